import type { Platform } from '../connections/event.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, dayOf } from '../kernel/clock.ts'
import { ANSWERS } from './answers.ts'
import type { Failure } from './failures.ts'
import { isWorkingHour } from './rhythm.ts'

/** What happens when nearly every attempt on one platform fails in the same way. */
interface Trouble {
  readonly platform: Platform
  /** Whether accounts that were connected before run into it, or new ones as well. */
  readonly hits: 'reconnections' | 'everybody'
  readonly failures: readonly Failure[]
}

export interface Incident {
  readonly trouble: Trouble
  readonly fromMs: number
  readonly untilMs: number
}

interface PlannedIncident extends Trouble {
  /** Where in the window it lies: 0 is its end, the present, 1 its beginning. */
  readonly ago: number
  readonly startsAtHour: number
  readonly lastsMinutes: number
}

const PLANNED: readonly PlannedIncident[] = [
  {
    platform: 'facebook',
    hits: 'everybody',
    ago: 0.22,
    startsAtHour: 14.2,
    lastsMinutes: 40,
    failures: [
      {
        on: 'any',
        weight: 1,
        code: 'token_exchange_failed',
        message: 'Token exchange failed: the platform answered HTTP 503',
        httpStatus: 503,
        medianMs: 10_200,
        answer: ANSWERS.meta.down,
      },
    ],
  },
  {
    platform: 'linkedin',
    hits: 'reconnections',
    ago: 0.5,
    startsAtHour: 9.1,
    lastsMinutes: 40,
    failures: [
      {
        on: 'reconnect',
        weight: 2,
        code: 'token_expired',
        message: 'The access token has expired and could not be refreshed',
        httpStatus: 401,
        answer: ANSWERS.linkedin.expired,
      },
      {
        on: 'reconnect',
        weight: 1,
        code: 'invalid_grant',
        message: 'The refresh token has expired or was revoked',
        httpStatus: 400,
        answer: ANSWERS.linkedin.refresh,
      },
    ],
  },
  {
    platform: 'tiktok',
    hits: 'everybody',
    ago: 0.78,
    startsAtHour: 16.5,
    lastsMinutes: 40,
    failures: [
      {
        on: 'any',
        weight: 1,
        code: 'insufficient_scope',
        message: 'The account did not grant a permission that posting needs: video.publish',
        httpStatus: 401,
        answer: ANSWERS.tiktok.scopes,
      },
    ],
  },
]

/** The incidents of a window; those that would fall into the night are moved to an hour of the same day. */
export function incidentsBetween(fromMs: number, nowMs: number): Incident[] {
  return PLANNED.map((trouble) => {
    const { ago, startsAtHour, lastsMinutes } = trouble
    const lastsMs = lastsMinutes * MINUTE_MS
    const drawn = Math.max(fromMs, Math.round(nowMs - ago * (nowMs - fromMs)))
    const moved = dayOf(drawn) * DAY_MS + Math.round(startsAtHour * HOUR_MS)
    const isMovable = !isWorkingHour(drawn) && moved > fromMs && moved + lastsMs < nowMs
    const startMs = isMovable ? moved : drawn
    return { trouble, fromMs: startMs, untilMs: startMs + lastsMs }
  })
}
