import {
  type ConnectionLogFilter,
  ConnectionEventType,
  ConnectionStatus,
  Platform,
} from '../generated/graphql.ts'

/** What the page shows. It stands in the address, so that a link shows the same. */
export interface View {
  readonly platform: Platform | null
  readonly eventType: ConnectionEventType | null
  readonly status: ConnectionStatus | null
  /** Looks back so many days of 24 hours. */
  readonly days: number
  readonly search: string
  /** From 1. */
  readonly page: number
}

export const PAGE_SIZE = 50
export const DEFAULT_DAYS = 7

/** Everything, from the first page on. */
export const ALL: View = {
  platform: null,
  eventType: null,
  status: null,
  days: DEFAULT_DAYS,
  search: '',
  page: 1,
}

/** Reads the query of an address. What it does not know, it takes for absent. */
export function parseView(query: string): View {
  const parameters = new URLSearchParams(query)
  return {
    platform: oneOf(Platform, parameters.get('platform')),
    eventType: oneOf(ConnectionEventType, parameters.get('eventType')),
    status: oneOf(ConnectionStatus, parameters.get('status')),
    days: natural(parameters.get('days')) ?? DEFAULT_DAYS,
    search: parameters.get('search') ?? '',
    page: natural(parameters.get('page')) ?? 1,
  }
}

/** The query of the address, with its `?`; empty where all is as by default. Values are in lower case, as in REST. */
export function formatView({ platform, eventType, status, days, search, page }: View): string {
  const parameters = new URLSearchParams()
  if (platform) parameters.set('platform', platform.toLowerCase())
  if (eventType) parameters.set('eventType', eventType.toLowerCase())
  if (status) parameters.set('status', status.toLowerCase())
  if (days !== DEFAULT_DAYS) parameters.set('days', String(days))
  if (search !== '') parameters.set('search', search)
  if (page !== 1) parameters.set('page', String(page))
  return parameters.size === 0 ? '' : `?${parameters}`
}

/** The part of it that the service knows. Null asks for nothing. */
export function filterOf({
  platform,
  eventType,
  status,
  search,
}: Pick<View, 'platform' | 'eventType' | 'status' | 'search'>): ConnectionLogFilter {
  return {
    platform: platform && [platform],
    eventType: eventType && [eventType],
    status,
    search: search.trim() === '' ? null : search.trim(),
  }
}

function oneOf<Value extends string>(values: Record<string, Value>, text: string | null): Value | null {
  return Object.values(values).find((value) => value === text?.toUpperCase()) ?? null
}

const natural = (text: string | null): number | undefined =>
  text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined
