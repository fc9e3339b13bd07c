import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { chooseEncoding } from './accept-encoding.ts'

/**
 * A file that never changes under its name, because the name carries a hash of what is in it: caches may keep
 * it for ever, and a new release is a new name.
 */
export interface Asset {
  /** `stem.<hash>.extension` */
  readonly name: string
  /** Answers GET and HEAD, in the best encoding that the client takes. */
  respond(request: Request): Promise<Response>
}

/** Browsers and proxies may keep an answer for a year, the longest time that caches honour. */
const CACHE_CONTROL = 'public, max-age=31536000, immutable'

/**
 * Five megabytes of JavaScript take 0.2 s on a thread of zlib's pool. Level 9 takes two and a half times that
 * to save one percent more.
 */
const BROTLI_QUALITY = 7

/** In the order in which they are preferred: brotli is a tenth to a fifth smaller than gzip. */
const encoders = {
  br: (body: Buffer) =>
    promisify(brotliCompress)(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
  gzip: (body: Buffer) => promisify(gzip)(body),
  identity: (body: Buffer) => Promise.resolve(body),
}

type Encoding = keyof typeof encoders

/** Names an asset after its content. Nothing is compressed before somebody asks for it; then once. */
export function createAsset(stem: string, extension: string, type: string, body: Buffer): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const encoded: Partial<Record<Encoding, Promise<Buffer>>> = {}

  return {
    name: `${stem}.${hash}.${extension}`,
    async respond(request) {
      const encoding = chooseEncoding(request.headers.get('accept-encoding'), ['br', 'gzip'])
      const etag = `"${hash}-${encoding}"`
      const headers = new Headers({
        'cache-control': CACHE_CONTROL,
        etag,
        vary: 'Accept-Encoding',
        // A worker runs under the policy of its own script: Monaco's have no need to load or to connect.
        'content-security-policy': "default-src 'none'",
        'x-content-type-options': 'nosniff',
      })
      if (matchesEtag(request.headers.get('if-none-match'), etag))
        return new Response(null, { status: 304, headers })

      const bytes = await (encoded[encoding] ??= encoders[encoding](body))
      headers.set('content-type', type)
      headers.set('content-length', String(bytes.length))
      if (encoding !== 'identity') headers.set('content-encoding', encoding)
      return new Response(request.method === 'HEAD' ? null : new Uint8Array(bytes), { headers })
    },
  }
}

function matchesEtag(ifNoneMatch: string | null, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}
