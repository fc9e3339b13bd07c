import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The lines of a request without a body, as they go over the wire. */
export const request = (line: string, ...headers: string[]): string => [line, ...headers, '', ''].join('\r\n')

/**
 * Sends bytes as they are, and returns the first answers that come back.
 * @param count how many answers to wait for; the connection is closed after the last
 */
export async function sendRaw(address: string, bytes: string, count = 1): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  let received = ''
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (answersIn(received).length >= count) resolve()
    })
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.write(bytes, 'latin1')
  })
  socket.destroy()
  return answersIn(received)
}

/** Answers that are there as a whole. */
function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let rest = text; rest !== '';) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd < 0) break
    const [line = '', ...lines] = rest.slice(0, headEnd).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((each) => {
        const at = each.indexOf(':')
        return [each.slice(0, at).toLowerCase(), each.slice(at + 1).trim()]
      }),
    )
    const bodyEnd = headEnd + 4 + Number(headers['content-length'] ?? 0)
    if (rest.length < bodyEnd) break
    answers.push({ status: Number(line.split(' ')[1]), headers, body: rest.slice(headEnd + 4, bodyEnd) })
    rest = rest.slice(bodyEnd)
  }
  return answers
}
