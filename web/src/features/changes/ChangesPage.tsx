import { useState } from 'react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { changesQuery } from '../../api/changeQueries'
import { clustersQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { ChangeSummary } from '../../api/types'
import { rememberedCluster } from '../../app/layout'
import { age, clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { ToolbarSelect } from '../../ui/Field'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { ActionDialog } from './ActionDialog'
import { BlastChip } from './Marks'
import { STANDING, STATUS_CHOICES } from './words'
import styles from './ChangesPage.module.css'

const route = getRouteApi('/changes')

/** Every change that was asked for, newest first, whatever became of it. */
export function ChangesPage() {
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  const found = useInfiniteQuery(changesQuery({ cluster: filter.cluster, status: filter.status }))
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const mayAsk = useMay('changes:write')
  const [asking, setAsking] = useState(false)
  const change = (next: Partial<typeof filter>) =>
    void navigate({ search: (previous) => ({ ...previous, ...next }), replace: true })
  const items = found.data?.pages.flatMap((page) => page.items)
  return (
    <div className={styles.page}>
      <PageHeader title="Changes">
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
          <option value="">Any status</option>
          {STATUS_CHOICES.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </ToolbarSelect>
        {mayAsk && clusters.length > 0 && (
          <Button tone="primary" icon="edit" onClick={() => setAsking(true)}>
            Ask for a change
          </Button>
        )}
      </PageHeader>
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={items ? 'The list could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {found.isPending && <SkeletonRows count={10} label="Loading changes" />}
      {items?.length === 0 &&
        (filter.status || filter.cluster ? (
          <EmptyState title="No change matches">
            <Button onClick={() => change({ status: undefined, cluster: undefined })}>
              Clear the filters
            </Button>
          </EmptyState>
        ) : (
          <EmptyState title="No change has been asked for yet">
            <p>
              A change is asked for from the page of an object (Deployment, Node, …), looked at with its
              preview, and made only after an approval. Nothing changes a cluster any other way.
            </p>
          </EmptyState>
        ))}
      {items && items.length > 0 && (
        <ChangeList
          items={items}
          label="Changes"
          nameOf={(id) => clusters.find((cluster) => cluster.id === id)?.name ?? id}
        />
      )}
      {found.hasNextPage && (
        <Button
          className={styles.more}
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {found.isFetchingNextPage ? 'Loading…' : 'Older ones'}
        </Button>
      )}
      {asking && (
        <ActionDialog
          cluster={filter.cluster ?? rememberedCluster() ?? clusters[0]?.id ?? ''}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  )
}

/** Changes as rows that link to their pages. */
export function ChangeList({
  items,
  label,
  nameOf,
}: {
  items: ChangeSummary[]
  label: string
  nameOf?: (cluster: string) => string
}) {
  const now = Date.now()
  return (
    <ul className={styles.list} aria-label={label}>
      {items.map((one) => {
        const { level, word } = STANDING[one.status]
        return (
          <li key={one.id}>
            <Link
              className={styles.row}
              to="/c/$cluster/changes/$change"
              params={{ cluster: one.cluster, change: one.id }}
              preload={false}
            >
              <StatusWord level={level} word={word} />
              <span className={styles.what}>
                <span className={styles.summary}>{one.summary}</span>
                <span className={styles.quiet}>{one.note || one.reason}</span>
              </span>
              <span>
                <BlastChip level={one.level} />
              </span>
              <span className={styles.quiet}>{nameOf?.(one.cluster)}</span>
              <span className={styles.quiet}>{one.created_by}</span>
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
