import {
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  context,
  propagation,
  trace,
} from '@opentelemetry/api'
import { AppError, codeOf } from '../kernel/errors.ts'
import type { Watched } from './observer.ts'

/** Who asks for these asks every few seconds, and each time for the same. */
const WATCHDOGS = /^\/(?:health|ready|metrics)$/

/** By name, so that a sampler can tell whose spans these are. */
const TRACER = 'connlog'

const headersOf: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
}

/**
 * Runs `answer` within a span for the request, which goes on the trace of the caller. Where there is a span already, the
 * host of this library makes one for each request itself, and ours are put below that.
 *
 * Without an SDK all of this is nothing: the API then hands out spans that do not record.
 */
export function spanOfRequest(
  request: Request,
  path: string,
  seen: Watched,
  answer: () => Promise<Response>,
): Promise<Response> {
  if (trace.getActiveSpan() || WATCHDOGS.test(path)) return answer()
  const caller = propagation.extract(context.active(), request.headers, headersOf)
  const span = trace.getTracer(TRACER).startSpan('HTTP', { kind: SpanKind.SERVER }, caller)
  return within(span, answer, caller, (response) => {
    if (!span.isRecording()) return
    span.updateName(seen.route === undefined ? request.method : `${request.method} ${seen.route}`)
    span.setAttributes({
      'http.request.method': request.method,
      'http.response.status_code': response?.status ?? 500,
      'connlog.request.id': seen.requestId,
      ...(seen.route === undefined ? {} : { 'http.route': seen.route }),
      ...(seen.keyId ? { 'connlog.key.id': seen.keyId } : {}),
    })
    // What callers did wrong is an answer like another one.
    if (!response || response.status >= 500) fail(span, seen.code ?? String(response?.status))
  })
}

/** A span for the one operation of a request. Documents and variables stay out of it: they hold what callers send. */
export function spanOfOperation(
  type: string,
  seen: Watched,
  answer: () => Promise<Response>,
): Promise<Response> {
  const span = trace.getTracer(TRACER).startSpan(`GraphQL ${type}`)
  return within(span, answer, context.active(), () => {
    if (!span.isRecording()) return
    span.updateName(`${type} ${seen.operation}`)
    span.setAttribute('graphql.operation.type', type)
    if (seen.operation !== undefined) span.setAttribute('graphql.operation.name', seen.operation)
    if (seen.code !== undefined) fail(span, seen.code)
  })
}

/**
 * The same object, with a span for each call that answers by a promise. It costs nothing outside of a trace that is
 * recorded.
 * @param system what OpenTelemetry calls the database
 * @param collection what the calls are about
 */
export function spansOfCalls<T extends object>(target: T, system: string, collection: string): T {
  if (trace.getActiveSpan()?.isRecording() !== true) return target
  return new Proxy(target, {
    get: (object, name, receiver) => {
      const method: unknown = Reflect.get(object, name, receiver)
      if (typeof method !== 'function' || typeof name !== 'string') return method
      return (...args: unknown[]): unknown => {
        const attributes = { 'db.system.name': system, 'db.operation.name': name }
        const span = trace
          .getTracer(TRACER)
          .startSpan(`${name} ${collection}`, { kind: SpanKind.CLIENT, attributes })
        const result: unknown = Reflect.apply(method, object, args)
        if (!(result instanceof Promise)) {
          span.end()
          return result
        }
        return result
          .catch((error: unknown) => {
            if (!(error instanceof AppError) || error.status >= 500) fail(span, codeOf(error))
            throw error
          })
          .finally(() => span.end())
      }
    },
  })
}

async function within(
  span: Span,
  answer: () => Promise<Response>,
  parent: ReturnType<typeof context.active>,
  describe: (response: Response | undefined) => void,
): Promise<Response> {
  let response: Response | undefined
  try {
    response = await context.with(trace.setSpan(parent, span), answer)
    return response
  } finally {
    describe(response)
    span.end()
  }
}

/** By code alone: what an error says may hold what callers sent. */
function fail(span: Span, code: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.setAttribute('error.type', code)
}
