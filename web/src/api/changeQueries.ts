/** What is read about changes and what governs them. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { call, path } from './client'
import type {
  Actions,
  Audit,
  Autonomy,
  Change,
  ChangeNotices,
  Changes,
  ChangeStatus,
  Playbooks,
  Policies,
  Run,
  Runs,
  Schedules,
  Users,
} from './types'

/** How often something that moves, or that somebody else may decide, is read again. */
const MOVING_POLL_MS = 2_000
const LIST_POLL_MS = 10_000
const NOTICES_POLL_MS = 20_000
const LIST_ROWS = 50

const OPEN: ReadonlySet<ChangeStatus> = new Set(['pending', 'approved', 'executing', 'verifying'])

/** Whether something may still happen to it. */
export const isOpen = ({ status }: { status: ChangeStatus }) => OPEN.has(status)

/** Whether the worker has it in hand. */
export const isMoving = (one: { status: ChangeStatus }) => isOpen(one) && one.status !== 'pending'

export const actionsQuery = () =>
  queryOptions({
    queryKey: ['actions'],
    queryFn: ({ signal }) => call<Actions>('GET', '/actions', { signal }),
    staleTime: Infinity,
  })

export interface ChangeFilter {
  cluster?: string
  status?: string
}

export const changesQuery = (filter: ChangeFilter) =>
  infiniteQueryOptions({
    queryKey: ['changes', filter],
    queryFn: ({ pageParam, signal }) =>
      call<Changes>('GET', '/changes', {
        query: { ...filter, limit: LIST_ROWS, cursor: pageParam },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last: Changes) => last.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some(isMoving)) ? MOVING_POLL_MS : LIST_POLL_MS,
  })

export const changeQuery = (id: string) =>
  queryOptions({
    queryKey: ['change', id],
    queryFn: ({ signal }) => call<Change>('GET', path('changes', id), { signal }),
    refetchInterval: (query) => (query.state.data && isOpen(query.state.data) ? MOVING_POLL_MS : false),
  })

export const playbooksQuery = () =>
  queryOptions({
    queryKey: ['playbooks'],
    queryFn: ({ signal }) => call<Playbooks>('GET', '/playbooks', { signal }),
    staleTime: Infinity,
  })

export const runsQuery = () =>
  queryOptions({
    queryKey: ['runs'],
    queryFn: ({ signal }) => call<Runs>('GET', '/runs', { signal }),
    refetchInterval: (query) => (query.state.data?.items.some(isMoving) ? MOVING_POLL_MS : LIST_POLL_MS),
  })

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call<Run>('GET', path('runs', id), { signal }),
    refetchInterval: (query) => (query.state.data && isOpen(query.state.data) ? MOVING_POLL_MS : false),
  })

export const schedulesQuery = () =>
  queryOptions({
    queryKey: ['schedules'],
    queryFn: ({ signal }) => call<Schedules>('GET', '/schedules', { signal }),
    refetchInterval: LIST_POLL_MS,
  })

export const policiesQuery = () =>
  queryOptions({
    queryKey: ['policies'],
    queryFn: ({ signal }) => call<Policies>('GET', '/policies', { signal }),
  })

export const autonomyQuery = () =>
  queryOptions({
    queryKey: ['autonomy'],
    queryFn: ({ signal }) => call<Autonomy>('GET', '/autonomy', { signal }),
  })

export const noticesQuery = () =>
  queryOptions({
    queryKey: ['notices'],
    queryFn: ({ signal }) => call<ChangeNotices>('GET', '/notices', { signal }),
    refetchInterval: NOTICES_POLL_MS,
  })

export interface AuditFilter {
  actor?: string
  action?: string
  cluster?: string
  text?: string
  /** ISO 8601 times. */
  from?: string
  to?: string
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      call<Audit>('GET', '/audit', { query: { ...filter, limit: LIST_ROWS, cursor: pageParam }, signal }),
    initialPageParam: '',
    getNextPageParam: (last: Audit) => last.next ?? undefined,
  })

export const usersQuery = () =>
  queryOptions({
    queryKey: ['users'],
    queryFn: ({ signal }) => call<Users>('GET', '/users', { signal }),
  })
