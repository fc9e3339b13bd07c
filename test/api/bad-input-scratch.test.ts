import { writeFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { PROVIDERS } from '../support/databases.ts'
import { createTestClock } from '../support/clock.ts'

const NOW = Date.UTC(2026, 5, 15, 12)
const short = (s: string) => s.length > 500 ? s.slice(0, 420) + ` …… (${s.length})` : s
describe.each(PROVIDERS)('%s', (provider) => {
  it('scratch', async () => {
    const app = await startTestApp(provider, { clock: createTestClock(NOW) })
    const key = await app.key(null)
    const lines: string[] = []
    const M = 'mutation($input: RecordConnectionLogInput!){recordConnectionLog(input:$input){created log{metadata durationMs}}}'
    const P = '/api/v1/connections/logs'
    const rest = async (name: string, body: BodyInit, type = 'application/json', headers: Record<string,string> = {}, path = P) => {
      const t = performance.now()
      const r = await app.send(key, path, { method: 'POST', body, headers: type === '' ? headers : { 'content-type': type, ...headers }, duplex: 'half' } as RequestInit)
      lines.push(`${path === P ? 'REST' : 'GQLB'} ${name}: ${r.status} ${short(await r.text())}${performance.now() - t > 300 ? ' SLOW ' + (performance.now() - t) : ''}`)
    }
    const get = async (q: string) => {
      const r = await app.send(key, P + q)
      lines.push(`GET ${q}: ${r.status} ${short(await r.text())}`)
    }
    const gqlb = (name: string, body: BodyInit, type = 'application/json') => rest(name, body, type, {}, '/graphql')
    const gql = async (name: string, query: string, variables: object = {}) => gqlb(name, JSON.stringify({ query, variables }))
    const base = '"platform":"instagram","eventType":"disconnect","connectionMethod":"oauth"'
    const f = (name: string, json: string) => rest(name, `{${base},${json}}`)
    await rest('ok', `{${base}}`)
    for (const j of ['"durationMs":1e999','"durationMs":1e20','"durationMs":-0','"durationMs":1.5','"durationMs":"5"','"durationMs":2147483648','"durationMs":true','"durationMs":[1]','"__proto__":{"a":1}','"constructor":1','"success":{"__proto__":1}','"success":{"constructor":1}','"metadata":{"__proto__":{"x":1},"constructor":2,"b":1,"a":2}','"metadata":[]','"metadata":"x"','"metadata":{"a":1e999}','"metadata":{"a\\u0000":1}','"metadata":{"a":"\\ud800"}','"eventId":"\\ud800"','"eventId":""','"eventId":5','"createdAt":"2026-02-30T00:00:00Z"','"createdAt":"2026-06-15T12:00Z"','"createdAt":"2026-06-15"','"createdAt":"2026-06-15T12:00:00"','"createdAt":1781524800000','"createdAt":"0000-01-01T00:00:00Z"','"createdAt":"9999-12-31T23:59:59-23:59"','"createdAt":"2026-06-15T24:00:00Z"','"createdAt":"2026-06-15t12:00:00z"','"createdAt":"2026-06-15T12:00:60Z"','"createdAt":"+002026-06-15T12:00:00Z"','"success":{"tokenExpiresAt":"9999-12-31T23:59:59-23:59"}','"success":[]','"success":"x"','"success":{"permissions":"x"}','"success":{"permissions":[1]}','"success":{"permissions":[null]}','"context":{"isBYOK":"true"}','"context":{"connectToken":"\\u0000"}','"context":{"connectToken":5}','"error":{"rawResponse":5}','"error":{"rawResponse":"\\u0000"}','"error":{"foo":1,"bar":2}','"_id":""','"userId":"a\\u0000b"']) await f(j, j)
    await f('deep metadata', `"metadata":{"a":${'['.repeat(200000)}${']'.repeat(200000)}}`)
    await f('deep platform', `"durationMs":${'['.repeat(200000)}${']'.repeat(200000)}`)
    await rest('deep root', `${'['.repeat(200000)}${']'.repeat(200000)}`)
    await rest('deep ndjson', `{${base},"durationMs":${'['.repeat(200000)}${']'.repeat(200000)}}\n{${base}}\n`, 'application/x-ndjson')
    await rest('empty array', '[]')
    for (const b of ['null','5','"x"','[null]','[5]','','{','[[]]','{}']) await rest(b, b)
    await rest('bad utf8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))
    await f('raw 4MB password', `"error":{"rawResponse":"password=\\"${'a'.repeat(4_000_000)}"}`)
    await f('raw eyJ-', `"error":{"rawResponse":"${'eyJ-'.repeat(1_000_000)}"}`)
    await f('raw backslash', `"error":{"rawResponse":"password=${'\\\\'.repeat(900_000)}\\"${'\\\\'.repeat(900_000)}"}`)
    await f('msg FDFA', `"error":{"message":"${'\ufdfa'.repeat(4000)}"}`)
    await f('unknown key long', `"${'k'.repeat(3_000_000)}":1`)
    await f('many unknown', Array.from({ length: 1000 }, (_, i) => `"k${i}":1`).join(','))
    for (const t of ['text/plain','multipart/form-data; boundary=x','application/x-www-form-urlencoded','application/graphql','','application/json; charset=utf-16','APPLICATION/JSON ; charset=utf-8', 'application/json, text/plain','application/jsonp']) { await rest('type ' + t, new Blob([`{${base}}`]).stream() as unknown as BodyInit, t); await gqlb('type ' + t, new Blob(['{"query":"{viewer{keyId}}"}']).stream() as unknown as BodyInit, t) }
    await rest('ndjson', `\ufeff{${base}}\r\n\r\n{\r\n{${base}}\r\nnull\n5\n[]\n{${base},"durationMs":-1}`, 'application/x-ndjson')
    await rest('ndjson utf8', Buffer.concat([Buffer.from(`{${base}}\n`), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from(`{${base}}`)]), 'application/x-ndjson')
    await rest('ndjson long', `{${base}}\n{${base},"a":"${'x'.repeat(1_100_000)}"}\n{${base}}`, 'application/x-ndjson')
    await rest('ndjson empty', '', 'application/x-ndjson')
    await rest('1001', JSON.stringify(Array.from({ length: 1001 }, () => JSON.parse(`{${base}}`))))
    await rest('big declared', 'x'.repeat(5_000_000), 'application/json', { 'content-length': '5000000' })
    const big = () => new Blob(['{"a":"' + 'x'.repeat(5_000_000) + '"}']).stream() as unknown as BodyInit
    await rest('big undeclared', big())
    await gqlb('big undeclared', big())
    for (const b of ['null','5','"x"','[]','','{','{}','{"query":5}','{"query":null}','{"query":""}','{"query":"{viewer{keyId}}","variables":[]}','{"query":"{viewer{keyId}}","variables":"x"}','{"query":"{viewer{keyId}}","variables":null}','{"query":"{viewer{keyId}}","extensions":5}','{"query":"{viewer{keyId}}","foo":5}','{"query":"query A{viewer{keyId}} query B{viewer{name}}"}','{"query":"query A{viewer{keyId}}","operationName":"X"}','{"query":"query A{viewer{keyId}}","operationName":5}','{"query":"{"}','{"query":"{a\\u0000}"}','{"query":"{foo}"}','[{"query":"{viewer{keyId}}"}]','{"query":"subscription{foo}"}','{"query":"fragment A on Query{viewer{keyId}}"}','{"__proto__":{"query":"{viewer{keyId}}"}}','{"constructor":1,"query":"{viewer{keyId}}"}','{"query":"{viewer}"}','{"query":"{viewer{keyId{x}}}"}']) await gqlb(b, b)
    await gqlb('utf8', Buffer.concat([Buffer.from('{"query":"{connectionLogs(filter:{search:\\"'), Buffer.from([0xff]), Buffer.from('a\\"}){pagination{total}}}"}')]))
    await gqlb('deep doc', JSON.stringify({ query: `{ connectionLogs(filter:{platform:${'['.repeat(100000)}${']'.repeat(100000)}}){pagination{total}} }` }))
    for (const n of [200, 500, 1000, 2000, 3000, 5000]) for (const [o, c] of [['[', ']'], ['{a:', '}']] as const) await gqlb('depth ' + n + o, JSON.stringify({ query: `mutation{recordConnectionLog(input:{platform:INSTAGRAM,eventType:DISCONNECT,connectionMethod:OAUTH,metadata:{a:${o.repeat(n)}${o === '[' ? '' : '1'}${c.repeat(n)}}}){created} }` }))
    for (const n of [200, 500, 1000, 2000, 3000, 5000]) { await gqlb('seldepth ' + n, JSON.stringify({ query: `{ viewer{rateLimit${'{... on RateLimit'.repeat(n)}{limit}${'}'.repeat(n)}} }` })); await gqlb('dt depth ' + n, JSON.stringify({ query: `{ connectionLogs(filter:{createdAfter:${'['.repeat(n)}${']'.repeat(n)}}){pagination{total}} }` })) }
    await gql('quotes', M, { input: { ...({ platform: 'INSTAGRAM', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' }), durationMs: '"'.repeat(1_500_000) } })
    await gqlb('deep sel', JSON.stringify({ query: `{ viewer${'{a'.repeat(50000)}${'}'.repeat(50000)} }` }))
    const gb = { platform: 'INSTAGRAM', eventType: 'DISCONNECT', connectionMethod: 'OAUTH' }
    for (const v of [{durationMs:'x'},{durationMs:1.5},{durationMs:2**31},{durationMs:-1},{platform:'x'},{platform:5},{platform:null},{eventType:'disconnect'},{foo:1},{success:{foo:1}},{success:5},{success:[]},{success:{permissions:'x'}},{success:{permissions:[null]}},{metadata:[]},{metadata:'x'},{createdAt:'2026-06-15'},{createdAt:5},{createdAt:'2026-06-01T00:00:00Z'},{eventId:5},{eventId:1.5},{eventId:true},{eventId:'\ud800'},{eventId:''},{context:{isBYOK:'true'}},{error:{code:5}},{success:{tokenExpiresAt:'9999-12-31T23:59:59-23:59'}},{success:{tokenExpiresAt:'x'}},{metadata:{b:1,a:{d:1,c:2}}},{metadata:{a:'x'.repeat(20000)}},JSON.parse('{"metadata":{"__proto__":1,"constructor":2}}'),JSON.parse('{"__proto__":1}'),{constructor:1},{durationMs:'x'.repeat(3000)},{durationMs:-0}]) await gql('var ' + short(JSON.stringify(v)), M, { input: { ...gb, ...v } })
    await gql('var missing', M, { input: { eventType: 'DISCONNECT' , error: { message: 'x'.repeat(3000)} } })
    await gql('var none', M, {})
    await gql('var 5', M, { input: 5 })
    await gql('var extra', M, { input: gb, foo: 1 })
    await gql('vars batch', 'mutation($inputs: [RecordConnectionLogInput!]!){recordConnectionLogs(inputs:$inputs){created}}', { inputs: [gb, { ...gb, durationMs: 'x' }, {...gb, platform: 'Y'}] })
    await gql('vars batch2', 'mutation($inputs: [RecordConnectionLogInput!]!){recordConnectionLogs(inputs:$inputs){created}}', { inputs: [gb, { ...gb, durationMs: -1 }] })
    await gql('vars batch1', 'mutation($inputs: [RecordConnectionLogInput!]!){recordConnectionLogs(inputs:$inputs){created}}', { inputs: [{ ...gb, durationMs: -1 }] })
    await gql('vars 1001', 'mutation($inputs: [RecordConnectionLogInput!]!){recordConnectionLogs(inputs:$inputs){created}}', { inputs: Array.from({ length: 1001 }, () => gb) })
    await gql('vars 1001 bad', 'mutation($inputs: [RecordConnectionLogInput!]!){recordConnectionLogs(inputs:$inputs){created}}', { inputs: Array.from({ length: 1001 }, () => ({})) })
    const L = (s: string) => `mutation{recordConnectionLog(input:{platform:INSTAGRAM,eventType:DISCONNECT,connectionMethod:OAUTH,${s}}){created log{metadata}}}`
    for (const s of ['durationMs:"x"','durationMs:1.5','durationMs:2147483648','durationMs:1e999','platform:FOO','platform:INSTAGRAN','platform:"instagram"','platform:5','foo:1','success:{foo:1}','success:5','success:[]','success:{permissions:[null]}','success:{permissions:[1]}','metadata:[]','metadata:"x"','metadata:{__proto__:{a:1},constructor:1}','createdAt:"2026-06-15"','createdAt:5','success:{tokenExpiresAt:"x"}','eventId:1.5','eventId:"\\ud800"','eventId:"\\u0000"','context:{isBYOK:"true"}','error:{code:5}','__proto__:1','constructor:1','metadata:{a:1e999}','metadata:{a:12345678901234567890}', 'metadata:{a:$x}','error:{message:5}']) await gql('lit ' + s, L(s))
    await gql('lit missing', 'mutation{recordConnectionLog(input:{platform:INSTAGRAM}){created}}')
    await gql('lit noinput', 'mutation{recordConnectionLog{created}}')
    await gql('lit batch', 'mutation{recordConnectionLogs(inputs:[{platform:INSTAGRAM,eventType:DISCONNECT,connectionMethod:OAUTH},{platform:INSTAGRAM,eventType:DISCONNECT,connectionMethod:OAUTH,durationMs:"x"}]){created}}')
    await gql('lit batch dt', 'mutation{recordConnectionLogs(inputs:[{platform:INSTAGRAM,eventType:DISCONNECT,connectionMethod:OAUTH,createdAt:"x"}]){created}}')
    const Q = (s: string) => `{connectionLogs(${s}){pagination{total}}}`
    for (const s of ['days:0','days:8','days:1.5','days:"1"','days:null','limit:0','limit:101','limit:2147483648','skip:-1','skip:2147483647','foo:1','filter:{foo:1}','filter:5','filter:[]','filter:{platform:FOO}','filter:{platform:"x"}','filter:{platform:[null]}','filter:{status:DISCONNECT}','filter:{createdAfter:"x"}','filter:{createdAfter:5}','filter:{createdAfter:"0000-01-01T00:00:00Z"}','filter:{createdAfter:"0000-01-01T00:00:00+23:59"}','filter:{createdBefore:"9999-12-31T23:59:59-23:59"}','filter:{createdBefore:"2026-06-15T12:00Z"}','filter:{search:"\\u0000"}','filter:{search:"!!!"}','filter:{search:""}','filter:{search:" "}','filter:{search:"a b c d e f g h i j k"}',`filter:{search:"${'a'.repeat(65)}"}`,`filter:{search:"${'a '.repeat(128)}a"}`,'filter:{search:5}','filter:{profileId:""}','filter:{profileId:[1.5]}',`filter:{profileId:"${'a'.repeat(129)}"}`,`filter:{profileId:[${'"a",'.repeat(101)}]}`,`filter:{platform:[${'TIKTOK,'.repeat(101)}]}`,'filter:{userId:"\\u0000"}','filter:{errorCode:"\\u0000"}','filter:{errorCode:5}', 'filter:{status:[SUCCESS]}','filter:{__proto__:1}']) await gql('q ' + short(s), Q(s))
    const QV = 'query($filter: ConnectionLogFilter, $days: Int, $limit: Int, $skip: Int){connectionLogs(filter:$filter,days:$days,limit:$limit,skip:$skip){pagination{total limit skip}}}'
    for (const v of [{days:0},{days:'1'},{days:null},{limit:1e20},{filter:5},{filter:[]},{filter:{platform:'x'}},{filter:{platform:[null]}},{filter:{createdAfter:'x'}},{filter:{createdAfter:'0000-01-01T00:00:00Z'}},{filter:{createdAfter:'0000-01-01T00:00:00+23:59'}},{filter:{createdBefore:'9999-12-31T23:59:59-23:59'}},{filter:{search:'\ud800'}},{filter:{profileId:['\ud800']}},{filter:{foo:1}},{filter:{search:['a']}}]) await gql('qv ' + JSON.stringify(v), QV, v)
    for (const id of ['""','"\\u0000"',`"${'a'.repeat(129)}"`,'"x"','5','1.5','null','"\\ud800"']) await gql('id ' + id, `{connectionLog(id:${id}){id}}`)
    for (const id of ['','\u0000','a'.repeat(129),'\ud800',5,1.5,null,'00000000-0000-7000-8000-000000000000','ffffffff-ffff-7fff-bfff-ffffffffffff']) await gql('idv ' + JSON.stringify(id), 'query($id:ID!){connectionLog(id:$id){id}}', { id })
    for (const q of ['?days=0','?days=8','?days=','?limit=0','?limit=101','?limit=-1','?limit=1e2','?limit=%205','?limit=abc','?limit=1.5','?limit=2147483648','?skip=-1','?skip=2147483648','?skip=2147483647','?platform=x','?platform=Instagram','?platform=','?platform=all','?platform=tiktok&platform=tiktok','?platform=tiktok,instagram','?foo=1','?userId=1','?platform=%00','?platform=%ff','?%00=1','?constructor=1','?__proto__=1','?status=disconnect','?limit=٥','?limit=+5','?platform=' + 'x'.repeat(3000)]) await get(q)
    const r = await app.send(key, '/graphql?query=' + encodeURIComponent('mutation{cleanupExpiredConnectionLogs{deleted}}')); lines.push('GETM ' + r.status + ' ' + r.headers.get('allow') + await r.text())
    for (const q of ['', '?query=', '?query={viewer{keyId}}&variables={', '?query={viewer{keyId}}&variables=[]','?query={viewer{keyId}}&extensions=5','?query=%7Bviewer%7BkeyId%7D%7D%ff']) { const r = await app.send(key, '/graphql' + q); lines.push('GETG ' + q + ' ' + r.status + ' ' + await r.text()) }
    for (const m of ['PUT','DELETE','PATCH','OPTIONS']) for (const p of ['/graphql', P]) { const r = await app.send(key, p, { method: m }); lines.push(m + p + r.status + ' ' + r.headers.get('allow') + await r.text()) }
    lines.push(JSON.stringify(app.logged.map(l => [l.level, l.message, String((l.fields as {err?: Error}).err).slice(0, 300)]), null, 1))
    writeFileSync(`/tmp/bad-input-${provider}.txt`, lines.join('\n'))
  }, 300_000)
})
