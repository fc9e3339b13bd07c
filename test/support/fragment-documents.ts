import fc from 'fast-check'

/** The shape of one selection set: names are chosen when the document is written. */
type Member =
  | { readonly is: 'field' | 'alias' | 'spread' | 'inline'; readonly pick: number }
  | { readonly is: 'object' | 'inline object'; readonly pick: number; readonly members: readonly Member[] }

const pick = fc.nat(10_000)
const { members } = fc.letrec<{ member: Member; members: Member[] }>((tie) => ({
  members: fc.array(tie('member'), { minLength: 1, maxLength: 8 }),
  member: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('field', 'alias', 'inline'), pick }) },
    { weight: 3, arbitrary: fc.record({ is: fc.constant('spread'), pick }) },
    {
      weight: 2,
      arbitrary: fc.record({ is: fc.constantFrom('object', 'inline object'), pick, members: tie('members') }),
    },
  ),
}))

const written = (all: readonly Member[], spreadable: readonly string[]): string =>
  all
    .map((member) => {
      const name = spreadable[member.pick % Math.max(1, spreadable.length)]
      const inside = 'members' in member ? `{ ${written(member.members, spreadable)} }` : ''
      if (member.is === 'field') return ['kind', 'name', '__typename'][member.pick % 3]
      if (member.is === 'alias') return `a${member.pick % 7}: name`
      if (member.is === 'inline') return '... { name }'
      if (member.is === 'spread') return name === undefined ? 'name' : `...${name}`
      return member.is === 'object' ? `ofType ${inside}` : `... on __Type ${inside}`
    })
    .join(' ')

/**
 * Documents of an operation and fragments that spread each other: nested, missing, duplicate, unused, inline, and in
 * circles. Most spread only fragments that come later, so that some documents are valid.
 */
export const fragmentDocuments: fc.Arbitrary<string> = fc
  .record({
    operation: members,
    fragments: fc.array(members, { maxLength: 30 }),
    flaw: fc.constantFrom('none', 'none', 'none', 'missing', 'duplicate', 'circle'),
    areUnused: fc.boolean(),
    type: fc.constantFrom('query', 'subscription', 'mutation'),
  })
  .map(({ operation, fragments, flaw, areUnused, type }) => {
    const names = fragments.map((_, index) => `F${index}`)
    const spreadableFrom = (index: number) => {
      const later = flaw === 'circle' ? names : names.slice(index, index + 3)
      return flaw === 'missing' && later.length < 2 ? ['nope'] : later
    }
    const definitions = fragments.map(
      (own, index) =>
        `fragment ${flaw === 'duplicate' && index === 1 ? 'F0' : names[index]} on __Type { ${written(own, spreadableFrom(index + 1))} }`,
    )
    const spread = areUnused ? [] : spreadableFrom(0)
    return `${type} { __type(name: "Query") { ${written(operation, spread)} } } ${definitions.join(' ')}`
  })

/** Fragments of which each spreads the next `fan` times, and the last one `leaf`. */
export const fragmentTree = (fan: number, levels: number, leaf: string): string =>
  `query { ...F0 } ${Array.from(
    { length: levels },
    (_, level) =>
      `fragment F${level} on Query { ${level === levels - 1 ? leaf : `...F${level + 1} `.repeat(fan)} }`,
  ).join(' ')}`
