import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { call, path } from './client'
import type {
  Budget,
  Clusters,
  ConversationDetail,
  Conversations,
  Detail,
  Events,
  Evidence,
  Investigation,
  Investigations,
  InvestigationTemplates,
  Kinds,
  Logs,
  Me,
  ModelProviders,
  ModelsUsage,
  Overview,
  Problems,
  Related,
  ReportShares,
  ResourceRef,
  Rows,
} from './types'

/** Rows fetched per request of a list; the server's own page size for reading clusters. */
export const PAGE_ROWS = 500

const CLUSTERS_POLL_MS = 15_000
const OVERVIEW_POLL_MS = 20_000
export const PENDING_POLL_MS = 1_500

export interface ListRequest {
  cluster: string
  kind: string
  namespace?: string
  q?: string
  sort?: string
  group?: string
}

export interface LogRequest {
  container?: string
  previous?: boolean
  tail?: number
  grep?: string
}

export const meQuery = () =>
  queryOptions({
    queryKey: ['me'],
    queryFn: ({ signal }) => call<Me>('GET', '/me', { signal }),
    staleTime: Infinity,
  })

export const kindsQuery = () =>
  queryOptions({
    queryKey: ['kinds'],
    queryFn: ({ signal }) => call<Kinds>('GET', '/kinds', { signal }),
    staleTime: Infinity,
  })

export const clustersQuery = () =>
  queryOptions({
    queryKey: ['clusters'],
    queryFn: ({ signal }) => call<Clusters>('GET', '/clusters', { signal }),
    refetchInterval: (query) =>
      query.state.data?.items.some((cluster) => cluster.status === 'pending')
        ? PENDING_POLL_MS
        : CLUSTERS_POLL_MS,
  })

export const overviewQuery = (cluster: string) =>
  queryOptions({
    queryKey: ['overview', cluster],
    queryFn: ({ signal }) => call<Overview>('GET', path('clusters', cluster, 'overview'), { signal }),
    refetchInterval: OVERVIEW_POLL_MS,
  })

export const problemsQuery = (cluster: string, namespace?: string) =>
  queryOptions({
    queryKey: ['problems', cluster, namespace ?? ''],
    queryFn: ({ signal }) =>
      call<Problems>('GET', path('clusters', cluster, 'problems'), {
        query: { namespace, limit: 500 },
        signal,
      }),
    refetchInterval: OVERVIEW_POLL_MS,
  })

export const resourcesQuery = (request: ListRequest) =>
  infiniteQueryOptions({
    queryKey: ['resources', request.cluster, request.kind, request],
    queryFn: ({ pageParam, signal }) =>
      call<Rows>('GET', path('clusters', request.cluster, 'resources', request.kind), {
        query: {
          namespace: request.namespace,
          q: request.q,
          sort: request.sort,
          group: request.group,
          limit: PAGE_ROWS,
          cursor: pageParam,
        },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last: Rows) => last.next ?? undefined,
  })

export const namespacesQuery = (cluster: string) =>
  queryOptions({
    queryKey: ['namespaces', cluster],
    queryFn: async ({ signal }) => {
      const page = await call<Rows>('GET', path('clusters', cluster, 'resources', 'Namespace'), {
        query: { limit: PAGE_ROWS },
        signal,
      })
      return page.items.map((row) => row.name)
    },
    staleTime: 60_000,
  })

/** The path of one object; cluster-scoped kinds take `-` in place of a namespace. */
export function objectPath(cluster: string, ref: ResourceRef, ...rest: string[]): string {
  return path('clusters', cluster, 'resources', ref.kind, ref.namespace || '-', ref.name, ...rest)
}

const objectKey = (cluster: string, ref: ResourceRef, part: string) => [
  'object',
  cluster,
  ref.kind,
  ref.namespace ?? '',
  ref.name,
  part,
]

export const detailQuery = (cluster: string, ref: ResourceRef) =>
  queryOptions({
    queryKey: objectKey(cluster, ref, 'detail'),
    queryFn: ({ signal }) => call<Detail>('GET', objectPath(cluster, ref), { signal }),
  })

export const eventsQuery = (cluster: string, ref: ResourceRef) =>
  queryOptions({
    queryKey: objectKey(cluster, ref, 'events'),
    queryFn: ({ signal }) => call<Events>('GET', objectPath(cluster, ref, 'events'), { signal }),
  })

export const relatedQuery = (cluster: string, ref: ResourceRef) =>
  queryOptions({
    queryKey: objectKey(cluster, ref, 'related'),
    queryFn: ({ signal }) => call<Related>('GET', objectPath(cluster, ref, 'related'), { signal }),
  })

export const yamlQuery = (cluster: string, ref: ResourceRef) =>
  queryOptions({
    queryKey: objectKey(cluster, ref, 'yaml'),
    queryFn: ({ signal }) => call<{ yaml: string }>('GET', objectPath(cluster, ref, 'yaml'), { signal }),
  })

export const logsQuery = (cluster: string, ref: ResourceRef, request: LogRequest) =>
  queryOptions({
    queryKey: [...objectKey(cluster, ref, 'logs'), request],
    queryFn: ({ signal }) =>
      call<Logs>('GET', objectPath(cluster, ref, 'logs'), { query: { ...request }, signal }),
  })

export const evidenceQuery = (id: string, cluster: string | undefined) =>
  queryOptions({
    queryKey: ['evidence', id, cluster ?? ''],
    queryFn: ({ signal }) => call<Evidence>('GET', path('evidence', id), { query: { cluster }, signal }),
    staleTime: Infinity,
  })

export const conversationsQuery = () =>
  queryOptions({
    queryKey: ['conversations'],
    queryFn: ({ signal }) => call<Conversations>('GET', '/conversations', { signal }),
  })

export const conversationQuery = (id: string) =>
  queryOptions({
    queryKey: ['conversation', id],
    queryFn: ({ signal }) => call<ConversationDetail>('GET', path('conversations', id), { signal }),
  })

export interface InvestigationFilter {
  q?: string
  cluster?: string
  status?: string
  outcome?: string
  resolution?: string
}

/** Rows fetched per request of the investigations list. */
const INVESTIGATION_ROWS = 50

export const investigationsQuery = (filter: InvestigationFilter) =>
  infiniteQueryOptions({
    queryKey: ['investigations', filter],
    queryFn: ({ pageParam, signal }) =>
      call<Investigations>('GET', '/investigations', {
        query: {
          ...filter,
          // Asked for by name, archived ones are meant to be seen.
          archived: filter.status === 'archived',
          limit: INVESTIGATION_ROWS,
          cursor: pageParam,
        },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (last: Investigations) => last.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some(isRunning)) ? PENDING_POLL_MS : OVERVIEW_POLL_MS,
  })

export const isRunning = ({ status }: { status: string }) =>
  status === 'created' || status === 'investigating'

export const investigationQuery = (id: string) =>
  queryOptions({
    queryKey: ['investigation', id],
    queryFn: ({ signal }) => call<Investigation>('GET', path('investigations', id), { signal }),
  })

export const sharesQuery = (id: string) =>
  queryOptions({
    queryKey: ['investigation', id, 'shares'],
    queryFn: ({ signal }) => call<ReportShares>('GET', path('investigations', id, 'share'), { signal }),
  })

export const investigationTemplatesQuery = () =>
  queryOptions({
    queryKey: ['investigation-templates'],
    queryFn: ({ signal }) => call<InvestigationTemplates>('GET', '/investigation-templates', { signal }),
    staleTime: Infinity,
  })

export const providersQuery = () =>
  queryOptions({
    queryKey: ['models', 'providers'],
    queryFn: ({ signal }) => call<ModelProviders>('GET', '/llm/providers', { signal }),
  })

export const usageQuery = () =>
  queryOptions({
    queryKey: ['models', 'usage'],
    queryFn: ({ signal }) => call<ModelsUsage>('GET', '/llm/usage', { signal }),
  })

export const budgetsQuery = () =>
  queryOptions({
    queryKey: ['models', 'budgets'],
    queryFn: ({ signal }) => call<{ items: Budget[] }>('GET', '/llm/budgets', { signal }),
  })
