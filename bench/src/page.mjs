/** The page that every contestant answers: 50 logs with 20 leaves each, and where they stand, exactly. */

export const LIMIT = 50

/** As connlog is asked, and all others that speak its schema. */
export const PAGE_DOCUMENT = `query Page($skip: Int!) {
  connectionLogs(limit: ${LIMIT}, skip: $skip) {
    logs {
      id userId profileId accountId platform eventType status connectionMethod
      success { displayName username accountType }
      error { code message }
      context { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK }
      durationMs metadata createdAt
    }
    pagination { total limit skip pages hasMore }
  }
}`

export const TOTAL_DOCUMENT = 'query Total { connectionLogs(limit: 1) { pagination { total } } }'

/** PostGraphile has its own names, and neither a page's number nor the number of pages. */
export const POSTGRAPHILE_DOCUMENT = `query Page($skip: Int!) {
  connectionLogsOfTenant(first: ${LIMIT}, offset: $skip) {
    nodes {
      rowId userId profileId accountId platform eventType status connectionMethod
      succeeded { displayName username accountType }
      failed { code message }
      attempted { hasCustomRedirectUrl isHeadlessMode isReconnection isBYOK }
      durationMs metadata createdAt
    }
    totalCount
    pageInfo { hasNextPage }
  }
}`

/**
 * PostGraphile's answer in connlog's words: names, enum values in upper case, instants as connlog writes them.
 * @param {any} answer
 * @param {number} skip
 */
export function pageOfPostgraphile(answer, skip) {
  const { nodes, totalCount, pageInfo } = answer.data.connectionLogsOfTenant
  return {
    logs: nodes.map(({ rowId, succeeded, failed, attempted, ...log }) => ({
      ...log,
      id: rowId,
      platform: log.platform.toUpperCase(),
      eventType: log.eventType.toUpperCase(),
      connectionMethod: log.connectionMethod.toUpperCase(),
      success: succeeded,
      error: failed,
      context: attempted,
      createdAt: new Date(log.createdAt).toISOString(),
    })),
    pagination: {
      total: Number(totalCount),
      limit: LIMIT,
      skip,
      pages: Math.ceil(totalCount / LIMIT),
      hasMore: pageInfo.hasNextPage,
    },
  }
}
