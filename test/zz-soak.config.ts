import soak from './soak.config.ts'
export default {
  ...soak,
  test: {
    ...soak.test,
    provide: { faults: { cycles: 100, longestMs: 1_500, events: 20_000, reconnects: 200, unread: 20_000 } },
  },
}
