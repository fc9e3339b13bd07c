/**
 * Values as JSON, and that as bytes. Prisma writes parameters as JSON and reads them again before the driver has them:
 * every quote of a text is escaped on the way and unescaped, which for a batch of logs takes several times as long as
 * all else that is done with the parameter. Bytes travel as base64, which has nothing to escape.
 */
export const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
