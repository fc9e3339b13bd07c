import { expectTypeOf, it } from 'vitest'
import type { RecordInput } from '../../src/connections/input.ts'
import type { SentLog } from '../../src/connections/sent-log.ts'

it('what users are told they may send is what is taken (the type check fails where it is not)', () => {
  expectTypeOf<SentLog>().toEqualTypeOf<RecordInput>()
})
