import { builder } from '../../graphql/builder.ts'
import { bounded, costs } from '../../graphql/cost.ts'
import { CONNECTION_METHODS, EVENT_TYPES, PLATFORMS, STATUSES } from '../event.ts'
import { DAYS_DESCRIPTION } from '../paging.ts'
import {
  type ConnectionStats,
  type DurationStats,
  MAX_ERROR_CODES,
  MAX_HOURLY_DAYS,
  type StatsPoint,
  type Tally,
} from '../stats.ts'
import { ConnectionEventTypeEnum, ConnectionMethodEnum, ConnectionStatusEnum, PlatformEnum } from './enums.ts'
import { ConnectionLogFilterInput } from './filter.ts'
import { TOP_ERROR_CODES, countedAgain, durationsWeight, seriesSize, statisticsWeight } from './prices.ts'

const DEFAULT_ERROR_CODES = 10

const StatsIntervalEnum = builder.enumType('StatsInterval', {
  description: 'How long a period of a time series is.',
  values: {
    HOUR: { value: 'hour', description: `An hour. For at most ${MAX_HOURLY_DAYS} days.` },
    DAY: { value: 'day', description: 'A day of the time zone, from midnight to midnight.' },
  } as const,
})

const TallyInterface = builder.interfaceRef<Tally>('ConnectionTally').implement({
  description: 'How many logs of some sort there are.',
  fields: (t) => ({
    total: t.exposeInt('total', { description: 'All of them, disconnects included.' }),
    succeeded: t.exposeInt('succeeded', { description: 'Attempts that succeeded.' }),
    failed: t.exposeInt('failed', { description: 'Attempts that failed.' }),
    successRate: t.exposeFloat('successRate', {
      nullable: true,
      description: 'Share of the attempts that succeeded, from 0 to 1; null where there was no attempt.',
    }),
  }),
})

const PlatformStatsType = builder
  .objectRef<ConnectionStats['byPlatform'][number]>('PlatformStats')
  .implement({
    interfaces: [TallyInterface],
    isTypeOf: (value) => typeof value === 'object' && value !== null && 'platform' in value,
    description: 'The logs of one platform.',
    fields: (t) => ({ platform: t.expose('platform', { type: PlatformEnum, description: 'The platform.' }) }),
  })

const MethodStatsType = builder
  .objectRef<ConnectionStats['byConnectionMethod'][number]>('ConnectionMethodStats')
  .implement({
    interfaces: [TallyInterface],
    isTypeOf: (value) => typeof value === 'object' && value !== null && 'connectionMethod' in value,
    description: 'The logs of one connection method.',
    fields: (t) => ({
      connectionMethod: t.expose('connectionMethod', {
        type: ConnectionMethodEnum,
        description: 'The connection method.',
      }),
    }),
  })

const EventTypeStatsType = builder
  .objectRef<ConnectionStats['byEventType'][number]>('EventTypeStats')
  .implement({
    description: 'The logs of one event type.',
    fields: (t) => ({
      eventType: t.expose('eventType', { type: ConnectionEventTypeEnum, description: 'The event type.' }),
      total: t.exposeInt('total', { description: 'How many there are.' }),
    }),
  })

const StatusStatsType = builder.objectRef<ConnectionStats['byStatus'][number]>('StatusStats').implement({
  description: 'The logs of one status.',
  fields: (t) => ({
    status: t.expose('status', { type: ConnectionStatusEnum, description: 'The status.' }),
    total: t.exposeInt('total', { description: 'How many there are.' }),
  }),
})

type ErrorCodeStats = Awaited<ReturnType<ConnectionStats['errorCodes']>>[number]

const ErrorCodeStatsType = builder.objectRef<ErrorCodeStats>('ErrorCodeStats').implement({
  description: 'The logs with one error code.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'The error code.' }),
    total: t.exposeInt('total', { description: 'How many there are.' }),
  }),
})

const DurationStatsType = builder.objectRef<DurationStats>('DurationStats').implement({
  description: 'How long operations took, in milliseconds.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Logs with a duration that were looked at.' }),
    median: t.exposeFloat('median', {
      nullable: true,
      description: 'Half of them took no longer, in milliseconds; null where none has a duration.',
    }),
    p95: t.exposeFloat('p95', {
      nullable: true,
      description: '95 % of them took no longer, in milliseconds; null where none has a duration.',
    }),
    sampled: t.exposeBoolean('sampled', {
      description:
        'Whether the figures come from some of the logs alone: from 5,000 that are evenly spread where more than 20,000 match. With filters on ids, error codes or words, it is the newest 20,000.',
    }),
  }),
})

const PointType = builder.objectRef<StatsPoint>('ConnectionStatsPoint').implement({
  interfaces: [TallyInterface],
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'end' in value,
  description: 'The logs of one hour or day.',
  fields: (t) => ({
    start: t.expose('start', { type: 'DateTime', description: 'When the period begins, inclusive.' }),
    end: t.expose('end', {
      type: 'DateTime',
      description: 'When the period ends, exclusive. It may lie ahead, for the last one.',
    }),
  }),
})

const StatsType = builder.objectRef<ConnectionStats>('ConnectionStats').implement({
  interfaces: [TallyInterface],
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'series' in value,
  description: 'Numbers about connection logs. All but error codes and durations are of one moment.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'The earliest instant that counts, inclusive.' }),
    to: t.expose('to', {
      type: 'DateTime',
      description: 'The present, or `createdBefore` if that is earlier.',
    }),
    byPlatform: t.expose('byPlatform', {
      type: [PlatformStatsType],
      description: 'By platform, those with most logs first; platforms without any are left out.',
      extensions: costs({ size: PLATFORMS.length }),
    }),
    byEventType: t.expose('byEventType', {
      type: [EventTypeStatsType],
      description: 'By event type; each is there, with 0 if need be.',
      extensions: costs({ size: EVENT_TYPES.length }),
    }),
    byStatus: t.expose('byStatus', {
      type: [StatusStatsType],
      description: 'By status; both are there. Disconnects have none.',
      extensions: costs({ size: STATUSES.length }),
    }),
    byConnectionMethod: t.expose('byConnectionMethod', {
      type: [MethodStatsType],
      description: 'By connection method; each is there, with 0 if need be.',
      extensions: costs({ size: CONNECTION_METHODS.length }),
    }),
    errorCodes: t.field({
      type: [ErrorCodeStatsType],
      description: 'The error codes that most logs have, most first.',
      args: {
        first: t.arg.int({
          defaultValue: DEFAULT_ERROR_CODES,
          description: `Most codes to return: 1 to ${MAX_ERROR_CODES}.`,
        }),
      },
      resolve: (stats, { first }) => stats.errorCodes(first ?? DEFAULT_ERROR_CODES),
      extensions: costs({
        weight: countedAgain(TOP_ERROR_CODES),
        size: (own) => bounded(own('first'), DEFAULT_ERROR_CODES, 1, MAX_ERROR_CODES),
      }),
    }),
    durationMs: t.field({
      type: DurationStatsType,
      description: 'How long operations took. Measured only when asked for.',
      resolve: (stats) => stats.durationMs(),
      extensions: costs({ weight: durationsWeight }),
    }),
    series: t.expose('series', {
      type: [PointType],
      description:
        'By hour or day, oldest first, without a gap. The first and the last may reach beyond what counts; what is stored with a time of the next minutes counts in the last.',
      extensions: costs({ size: (_, around, nowMs) => seriesSize(around, nowMs) }),
    }),
  }),
})

builder.queryField('connectionStats', (t) =>
  t.field({
    type: StatsType,
    needs: 'logs:read',
    description:
      'Numbers about the connection logs that match the filter: totals, success rates, a time series.',
    args: {
      filter: t.arg({ type: ConnectionLogFilterInput, description: 'Which logs; all of them if absent.' }),
      days: t.arg.int({ description: DAYS_DESCRIPTION }),
      interval: t.arg({
        type: StatsIntervalEnum,
        defaultValue: 'day',
        description: 'How long the periods of the series are.',
      }),
      timeZone: t.arg.string({
        defaultValue: 'UTC',
        description: 'Whose hours and days: a name of the IANA time zone database, such as `Europe/Berlin`.',
      }),
    },
    resolve: (_, { filter, ...input }, { connectionLogs }) => connectionLogs.stats(filter ?? {}, input),
    extensions: costs({ weight: statisticsWeight }),
  }),
)
