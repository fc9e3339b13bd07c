import { z } from 'zod'
import type { BadKeyLimiter } from '../auth/bad-keys.ts'
import type { KeyCodes } from '../auth/key-codes.ts'
import { AppError } from '../kernel/errors.ts'
import { parseInput } from '../kernel/text.ts'
import { readJson, requireMediaType } from './body.ts'
import { json } from './route.ts'

const MAX_BYTES = 1_024

const body = z.object({ code: z.string('text') }, 'an object with the field code')

/**
 * Exchanges a one-time code for its key, for the page that has the code in its address. Whoever guesses is bounded as
 * guessers of keys are.
 * @param address of the client, where it is known
 * @throws {AppError} FORBIDDEN for another site's page, and for a code that is unknown, used or too old; RATE_LIMITED
 */
export async function exchangeKey(
  request: Request,
  address: string | undefined,
  { keyCodes, badKeys }: { readonly keyCodes: KeyCodes; readonly badKeys: BadKeyLimiter },
): Promise<Response> {
  requireSameOrigin(request)
  requireMediaType(request, ['application/json'])
  const attempt = badKeys.begin(address)
  if (!attempt) throw badKeys.refusal(address)
  const { code } = parseInput(body, await readJson(request, MAX_BYTES), '')
  const key = keyCodes.exchange(code)
  if (key === undefined)
    throw new AppError(
      'FORBIDDEN',
      'The code was used, is older than ten minutes, or is unknown. Create a key: `connlog keys create`.',
    )
  attempt.forgive()
  return json({ key })
}

/** A proxy may speak TLS for us, so that only the hosts have to agree. */
function requireSameOrigin({ headers, url }: Request): void {
  const origin = headers.get('origin')
  const site = headers.get('sec-fetch-site') ?? 'same-origin'
  const host = headers.get('host') ?? new URL(url).host
  const isSame = origin === null || (URL.canParse(origin) && new URL(origin).host === host.toLowerCase())
  if (!isSame || site !== 'same-origin')
    throw new AppError('FORBIDDEN', "Only the service's own page may exchange a code.")
}
