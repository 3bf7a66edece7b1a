import { useCallback, useEffect, useMemo, useState } from 'react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { overviewQuery, resourcesQuery, type ListRequest } from '../../api/queries'
import type { Row, Rows } from '../../api/types'
import { useLiveRows } from './liveRows'

export interface ResourceList {
  /** The first page: columns, parsed filter, groups, gaps. Undefined until it has arrived. */
  head: Rows | undefined
  rows: Row[]
  total: number
  added: number
  removed: number
  /** Rows that newer data would add or take away; they wait for `apply`. */
  waiting: number
  loading: boolean
  busy: boolean
  failing: boolean
  error: unknown
  recorded: boolean
  apply: () => void
  refresh: () => void
  /** Says that rows up to `index` are or will soon be on screen. */
  need: (index: number) => void
}

/** The rows of a list, fetched page by page as they are needed, and kept still under the reader's eyes. */
export function useResourceList(request: ListRequest): ResourceList {
  const query = useInfiniteQuery({
    ...resourcesQuery(request),
    // Sorting or filtering keeps the old rows on screen until the new ones are here; another kind does not.
    placeholderData: (previous, previousQuery) =>
      previousQuery?.queryKey[1] === request.cluster && previousQuery.queryKey[2] === request.kind
        ? previous
        : undefined,
  })
  const overview = useQuery(overviewQuery(request.cluster))
  const [needed, setNeeded] = useState(0)
  const pages = query.data?.pages
  const head = pages?.[0]
  const fetched = useMemo(() => pages?.flatMap((page) => page.items) ?? NO_ROWS, [pages])
  const live = useLiveRows(query.isPlaceholderData ? 'previous' : JSON.stringify(request), fetched)

  const { hasNextPage, isFetching, fetchNextPage, refetch } = query
  useEffect(() => {
    if (needed >= fetched.length && hasNextPage && !isFetching) {
      void fetchNextPage()
    }
  }, [needed, fetched.length, hasNextPage, isFetching, fetchNextPage])

  const newest = overview.data?.as_of
  const shownAsOf = head?.as_of
  useEffect(() => {
    if (newest && shownAsOf && Date.parse(newest) > Date.parse(shownAsOf) && !isFetching) {
      void refetch()
    }
    // Only news of a newer snapshot refetches; the end of a fetch must not start another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [newest])

  const { apply } = live
  return {
    head,
    rows: live.rows,
    total: head ? (head.total ?? live.rows.length) : 0,
    added: live.added,
    removed: live.removed,
    waiting: live.added + live.removed,
    loading: query.isPending,
    busy: query.isPlaceholderData,
    failing: query.isError && head !== undefined,
    error: query.error,
    recorded: overview.data?.cluster.source === 'recorded',
    apply,
    refresh: useCallback(() => {
      void refetch().then(apply)
    }, [refetch, apply]),
    need: setNeeded,
  }
}

const NO_ROWS: Row[] = []

/** Which groups the reader has closed. */
export function useClosedGroups() {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const toggle = useCallback((key: string) => {
    setClosed((before) => {
      const after = new Set(before)
      if (!after.delete(key)) {
        after.add(key)
      }
      return after
    })
  }, [])
  return { closed, toggle }
}
