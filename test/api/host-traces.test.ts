import { context, propagation, trace } from '@opentelemetry/api'
import { node } from '@opentelemetry/sdk-node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'

/** The SDK of a program that holds connlog. It is global, and gone after the test. */
function startHostSdk() {
  const exporter = new node.InMemorySpanExporter()
  const provider = new node.NodeTracerProvider({ spanProcessors: [new node.SimpleSpanProcessor(exporter)] })
  provider.register()
  onTestFinished(async () => {
    await provider.shutdown()
    trace.disable()
    context.disable()
    propagation.disable()
  })
  return exporter
}

describe.each(PROVIDERS)('in a program with an SDK of its own, on %s', (provider) => {
  it('operations are below the span that the program has for the request', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    const exporter = startHostSdk()
    const host = trace.getTracer('host').startSpan('the request')
    await context.with(trace.setSpan(context.active(), host), () =>
      app.gql(key, 'query Recent { connectionLogs { logs { id } } }'),
    )
    host.end()
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual([
      ['pageText connection_logs', spans[1]?.spanContext().spanId],
      ['query Recent', host.spanContext().spanId],
      ['the request', undefined],
    ])
  })

  it('a database that is away makes spans that say so, and a caller who errs makes none', async () => {
    const app = await startTestApp(provider)
    const key = await app.key('u1')
    await app.gql(key, '{ connectionLogs { logs { id } } }')
    const exporter = startHostSdk()
    await app.gql(key, 'mutation { recordConnectionLog(input: { platform: REDDIT }) { created } }')
    await app.send(key, '/api/v1/connections/logs?limit=0')
    await app.database.close()
    await app.send(key, '/api/v1/connections/logs')
    const told = exporter
      .getFinishedSpans()
      .map(({ name, status, attributes }) => [name, status.code, attributes['error.type']])
    expect(told).toEqual([
      ['mutation (none)', 2, 'BAD_USER_INPUT'],
      ['POST /graphql', 0, undefined],
      ['GET /api/v1/connections/logs', 0, undefined],
      ['page connection_logs', 2, 'SERVICE_UNAVAILABLE'],
      ['GET /api/v1/connections/logs', 2, 'SERVICE_UNAVAILABLE'],
    ])
  })
})
