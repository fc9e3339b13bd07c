/** What GraphiQL's editor holds when it is first opened. */
export const STARTING_QUERY = `# Which connections failed lately, and why?
query RecentFailures {
  connectionLogs(filter: { status: FAILED }, limit: 10) {
    logs {
      createdAt
      platform
      eventType
      accountId
      error {
        code
        message
      }
    }
    pagination {
      total
      pages
      hasMore
    }
  }
}
`
