import type * as Sdk from '@opentelemetry/sdk-node'
import { SECOND_MS, systemClock } from '../kernel/clock.ts'
import type { Running } from '../kernel/lifecycle.ts'
import { CommandError, type Terminal } from './terminal.ts'

const PACKAGE = '@opentelemetry/sdk-node'

/**
 * How long the last spans may take to be handed over when the service stops, in milliseconds: as long as the database to
 * be closed, beside which that is done.
 */
const GOODBYE_MS = 1.5 * SECOND_MS

/** Any of these says that traces are wanted, and where they go. */
const WANTED = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_TRACES_EXPORTER']

/**
 * Turns OpenTelemetry on if its own variables ask for it, and reads them as its specification says. The SDK has 50 MB,
 * so that it is installed by those who want it.
 * @returns undefined where no variable asks, and then nothing is loaded and nothing is ever sent
 * @throws {CommandError} if the SDK is not installed
 */
export async function startTracing(env: Terminal['env']): Promise<Running | undefined> {
  const asking = WANTED.find((name) => (env[name] ?? '').trim() !== '')
  if (asking === undefined || env['OTEL_TRACES_EXPORTER']?.trim() === 'none') return undefined
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return undefined
  const { NodeSDK } = await loadSdk(asking)
  const isNamed =
    (env['OTEL_SERVICE_NAME'] ?? '') !== '' || /service\.name=/.test(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')
  const sdk = new NodeSDK({
    ...(isNamed ? {} : { serviceName: 'connlog' }),
    // Traces alone: metrics are for Prometheus to fetch, and log lines for whoever keeps standard error.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  let stopped: Promise<void> | undefined
  const sayGoodbye = async () => {
    const over = new AbortController()
    const sent = sdk.shutdown().catch(() => undefined)
    await Promise.race([sent, systemClock.sleep(GOODBYE_MS, over.signal)])
    over.abort()
  }
  return { stop: () => (stopped ??= sayGoodbye()) }
}

async function loadSdk(asking: string): Promise<typeof Sdk> {
  try {
    return (await import(PACKAGE)) as typeof Sdk
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new CommandError(
      `${asking} asks for traces, and ${PACKAGE} is not installed beside connlog. Run \`npm install ${PACKAGE}\`, or set OTEL_SDK_DISABLED=true.`,
    )
  }
}
