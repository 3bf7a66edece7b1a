import { useState } from 'react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { clustersQuery, investigationsQuery } from '../../api/queries'
import { useMayWrite } from '../../api/roles'
import type { InvestigationSummary } from '../../api/types'
import { rememberedCluster } from '../../app/layout'
import { SearchBox } from '../../app/SearchBox'
import { age, clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { ToolbarSelect } from '../../ui/Field'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { StartDialog } from './StartDialog'
import { OUTCOME_CHOICES, RESOLUTION_WORDS, standing } from './words'
import styles from './InvestigationsPage.module.css'

const route = getRouteApi('/investigations')

/** Every investigation that was made, newest first; words and filters narrow the list. */
export function InvestigationsPage() {
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  const { q, cluster, status, outcome, resolution } = filter
  const found = useInfiniteQuery(investigationsQuery({ q, cluster, status, outcome, resolution }))
  const [starting, setStarting] = useState(false)
  const mayWrite = useMayWrite()
  const change = (next: Partial<typeof filter>) =>
    void navigate({ search: (previous) => ({ ...previous, ...next }), replace: true })
  const items = found.data?.pages.flatMap((page) => page.items)
  const narrowed = Boolean(q || status || outcome || resolution)
  const start = mayWrite && (
    <Button tone="primary" icon="investigate" onClick={() => setStarting(true)}>
      Investigate
    </Button>
  )
  return (
    <div className={styles.page}>
      <PageHeader title="Investigations">
        <Filters filter={filter} change={change} />
        {start}
      </PageHeader>
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={items ? 'The list could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {found.isPending && <SkeletonRows count={10} label="Loading investigations" />}
      {items?.length === 0 &&
        (narrowed ? (
          <EmptyState title="No investigation matches">
            <Button
              onClick={() =>
                change({
                  q: undefined,
                  status: undefined,
                  outcome: undefined,
                  resolution: undefined,
                })
              }
            >
              Clear the filters
            </Button>
          </EmptyState>
        ) : (
          <EmptyState
            title={
              cluster
                ? 'Nothing has been investigated in this cluster yet'
                : 'Nothing has been investigated yet'
            }
          >
            <p>
              An investigation reads the cluster, proposes causes, tests each against logs, events and
              changes, and keeps every step. Start one here, from a problem, from an object, or in the
              assistant.
            </p>
            {start}
          </EmptyState>
        ))}
      {items && items.length > 0 && <InvestigationList items={items} />}
      {found.hasNextPage && (
        <Button
          className={styles.more}
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {found.isFetchingNextPage ? 'Loading…' : 'Older ones'}
        </Button>
      )}
      {starting && (
        <StartDialog
          cluster={cluster ?? rememberedCluster() ?? undefined}
          onClose={() => setStarting(false)}
        />
      )}
    </div>
  )
}

type Filter = ReturnType<typeof route.useSearch>

function Filters({ filter, change }: { filter: Filter; change: (next: Partial<Filter>) => void }) {
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  return (
    <>
      <SearchBox
        main
        label="Search the investigations"
        placeholder="Search: question, cause, object"
        value={filter.q ?? ''}
        onChange={(q) => change({ q: q || undefined })}
      />
      <ToolbarSelect
        label="Cluster"
        value={filter.cluster ?? ''}
        onChange={(event) => change({ cluster: event.target.value || undefined })}
      >
        <option value="">All clusters</option>
        {clusters.map((cluster) => (
          <option key={cluster.id} value={cluster.id}>
            {cluster.name}
          </option>
        ))}
      </ToolbarSelect>
      <ToolbarSelect
        label="Status"
        value={filter.status ?? ''}
        onChange={(event) => change({ status: event.target.value || undefined })}
      >
        <option value="">All but archived</option>
        <option value="investigating">Investigating</option>
        <option value="concluded">Concluded</option>
        <option value="cancelled">Cancelled</option>
        <option value="archived">Archived</option>
      </ToolbarSelect>
      <ToolbarSelect
        label="Outcome"
        value={filter.outcome ?? ''}
        onChange={(event) => change({ outcome: event.target.value || undefined })}
      >
        <option value="">Any outcome</option>
        {OUTCOME_CHOICES.map(({ outcome, word }) => (
          <option key={outcome} value={outcome}>
            {word}
          </option>
        ))}
      </ToolbarSelect>
      <ToolbarSelect
        label="Solved or open"
        value={filter.resolution ?? ''}
        onChange={(event) => change({ resolution: event.target.value || undefined })}
      >
        <option value="">Solved or open</option>
        <option value="open">{RESOLUTION_WORDS.open}</option>
        <option value="resolved">{RESOLUTION_WORDS.resolved}</option>
        <option value="reopened">{RESOLUTION_WORDS.reopened}</option>
      </ToolbarSelect>
    </>
  )
}

function InvestigationList({ items }: { items: InvestigationSummary[] }) {
  const now = Date.now()
  return (
    <ul className={styles.list} aria-label="Investigations">
      {items.map((one) => {
        const { level, word } = standing(one)
        return (
          <li key={one.id}>
            <Link
              className={styles.row}
              to="/c/$cluster/investigations/$investigation"
              params={{ cluster: one.cluster, investigation: one.id }}
              preload={false}
            >
              <StatusWord level={level} word={word} />
              <span className={styles.what}>
                <span className={styles.question}>{one.question}</span>
                <span className={styles.cause}>{one.cause ? causeWords(one.cause) : one.message}</span>
              </span>
              <span className={styles.quiet}>{one.cluster_name}</span>
              <span className={styles.quiet}>
                {one.resolution && one.resolution !== 'resolved' ? RESOLUTION_WORDS[one.resolution] : ''}
              </span>
              <span className={styles.age} title={clockTime(one.created_at)}>
                {age(one.created_at, now)}
              </span>
            </Link>
          </li>
        )
      })}
    </ul>
  )
}

function causeWords({ title, resource }: NonNullable<InvestigationSummary['cause']>): string {
  return `${title}: ${resource.kind} ${resource.namespace ? `${resource.namespace}/` : ''}${resource.name}`
}
