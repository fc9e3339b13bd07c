/**
 * What must not compile, client by client. It is never run: types.test.ts takes the expectations out, and the compiler
 * then has to complain of just these lines, and of what each names.
 */
import { connect as connectApollo } from './documents/src/apollo-client.ts'
import { ask } from './strings/src/fetch.ts'
import { Failures as FailuresAsText, Record as RecordAsText } from './strings/src/operations.ts'
import { connect as connectRequest } from './documents/src/graphql-request.ts'
import { Failures, Live, Record } from './documents/src/operations.ts'
import { createEnvironment } from './src/relay/environment.ts'
import { readFailures, record } from './src/relay/Logs.ts'
import { Failures as TadaFailures, Record as TadaRecord } from './src/operations.ts'
import { connect as connectUrql } from './src/urql.ts'

const page = { limit: 1, skip: 0 }
const event = { platform: 'TIKTOK', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' } as const

export async function withFetch(url: string, key: string) {
  const { connectionLogs } = await ask(url, key, FailuresAsText, page)
  // @ts-expect-error -- `pages`: a field that the document does not ask for
  void connectionLogs.pagination.pages
  // @ts-expect-error -- `"TIKTOC"`: a platform that there is not
  await ask(url, key, FailuresAsText, { ...page, platform: 'TIKTOC' })
  // @ts-expect-error -- `Date`: a Date where DateTime is a string
  await ask(url, key, RecordAsText, { input: { ...event, createdAt: new Date() } })
}

export async function withGraphqlRequest(url: string, key: string) {
  const client = connectRequest(url, key)
  const { connectionLogs } = await client.request(Failures, page)
  // @ts-expect-error -- `pages`: a field that the document does not ask for
  void connectionLogs.pagination.pages
  // @ts-expect-error -- `skip`: a variable that is not given
  await client.request(Failures, { limit: 1 })
}

export async function withApolloClient(url: string, key: string) {
  const client = connectApollo(url, key)
  const { data } = await client.query({ query: Failures, variables: page })
  // @ts-expect-error -- `pages`: a field that the document does not ask for
  void data?.connectionLogs.pagination.pages
  const input = { eventType: 'DISCONNECT', connectionMethod: 'OAUTH' } as const
  // @ts-expect-error -- `platform`: an event without it
  await client.mutate({ mutation: Record, variables: { input } })
  client.subscribe({ query: Live }).subscribe((result) => {
    // @ts-expect-error -- `metadata`: a field that the document does not ask for
    void result.data?.connectionLogRecorded.log.metadata
  })
}

export async function withUrql(url: string, key: string) {
  const client = connectUrql(url, key)
  const { data } = await client.query(TadaFailures, page)
  // @ts-expect-error -- `pages`: a field that the document does not ask for
  void data?.connectionLogs.pagination.pages
  // @ts-expect-error -- `"DISCONNECTED"`: an event type that there is not
  await client.mutation(TadaRecord, { input: { ...event, eventType: 'DISCONNECTED' } })
}

export async function withRelay(url: string, key: string) {
  const environment = createEnvironment(url, key)
  const data = await readFailures(environment, page)
  // @ts-expect-error -- `pages`: a field that the document does not ask for
  void data?.connectionLogs.pagination.pages
  // @ts-expect-error -- `id`: a field that the input does not have
  await record(environment, { ...event, id: 'a' })
}
