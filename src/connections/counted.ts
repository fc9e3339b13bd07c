import type { Cell, CountSelection } from '../database/count-table.ts'
import { CONNECTION_METHODS, type ConnectionEventType, type ConnectionMethod, EVENT_TYPES } from './event.ts'
import type { ConnectionFilter } from './filter.ts'

/** A column of the counts: the logs of one event type and method. */
export interface ConnectionCell extends Cell {
  readonly of: { readonly event_type: ConnectionEventType; readonly connection_method: ConnectionMethod }
}

/** Every event type with every method; a new one of either is a new column, with zero for what was. */
export const CELLS: readonly ConnectionCell[] = EVENT_TYPES.flatMap((event_type) =>
  CONNECTION_METHODS.map((connection_method) => ({
    name: `${event_type}_${connection_method}`,
    of: { event_type, connection_method },
  })),
)

/** What of a filter the counts can answer: users, times, platforms, event types and methods, and nothing else. */
export function counted(filter: ConnectionFilter): Partial<CountSelection> | undefined {
  const { platform, eventType, connectionMethod, userId, createdAfter, createdBefore, ...more } = filter
  if (Object.values(more).some((value) => value !== undefined)) return undefined
  const cells =
    eventType === undefined && connectionMethod === undefined
      ? undefined
      : CELLS.filter(
          ({ of }) =>
            (eventType?.includes(of.event_type) ?? true) &&
            (connectionMethod?.includes(of.connection_method) ?? true),
        ).map(({ name }) => name)
  return {
    groups: platform,
    cells,
    ...(userId === undefined ? {} : { users: userId }),
    ...(createdAfter === undefined ? {} : { fromMs: createdAfter }),
    beforeMs: createdBefore,
  }
}
