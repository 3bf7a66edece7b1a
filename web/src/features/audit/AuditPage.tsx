import { getRouteApi, Link } from '@tanstack/react-router'
import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { verifyAudit } from '../../api/changeCommands'
import { auditQuery, type AuditFilter } from '../../api/changeQueries'
import { queryString } from '../../api/client'
import { clustersQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { AuditEvent, ChainVerification } from '../../api/types'
import { SearchBox } from '../../app/SearchBox'
import { clockTime, count } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { ToolbarSelect } from '../../ui/Field'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusShape } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { fieldTime, isoTime } from './times'
import styles from './AuditPage.module.css'

const route = getRouteApi('/audit')

const NO_FILTER: Record<keyof AuditFilter, undefined> = {
  actor: undefined,
  action: undefined,
  cluster: undefined,
  text: undefined,
  from: undefined,
  to: undefined,
}

/** Everything that was asked, decided and done, newest first, from a chain that shows whether it was tampered with. */
export function AuditPage() {
  const { actor, action, cluster, text, from, to } = route.useSearch()
  const filter: AuditFilter = { actor, action, cluster, text, from, to }
  const navigate = route.useNavigate()
  const mayRead = useMay('audit:read')
  const found = useInfiniteQuery(auditQuery(filter))
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const change = (next: AuditFilter) =>
    void navigate({ search: (previous) => ({ ...previous, ...next }), replace: true })
  const items = found.data?.pages.flatMap((page) => page.items)
  const narrowed = Object.values(filter).some(Boolean)
  return (
    <div className={styles.page}>
      <PageHeader title="Audit">
        {mayRead && (
          <>
            <Export filter={filter} format="csv" words="Export CSV" />
            <Export filter={filter} format="json" words="Export JSON" />
          </>
        )}
      </PageHeader>
      {mayRead && <Verify />}
      <div className={styles.filters} role="search" aria-label="Filter the audit log">
        <SearchBox
          main
          label="Search the audit log"
          placeholder="Search: any word of an entry"
          value={text ?? ''}
          onChange={(value) => change({ text: value || undefined })}
        />
        <SearchBox
          narrow
          label="Who"
          placeholder="Who"
          value={actor ?? ''}
          onChange={(value) => change({ actor: value || undefined })}
        />
        <SearchBox
          narrow
          label="Action"
          placeholder="Action"
          value={action ?? ''}
          onChange={(value) => change({ action: value || undefined })}
        />
        <ToolbarSelect
          label="Cluster"
          value={cluster ?? ''}
          onChange={(event) => change({ cluster: event.target.value || undefined })}
        >
          <option value="">All clusters</option>
          {clusters.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </ToolbarSelect>
        <TimeField label="From" value={from} onChange={(value) => change({ from: value })} />
        <TimeField label="To" value={to} onChange={(value) => change({ to: value })} />
        {narrowed && (
          <Button tone="quiet" icon="close" onClick={() => change(NO_FILTER)}>
            Clear
          </Button>
        )}
      </div>
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={items ? 'The log could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {found.isPending && <SkeletonRows count={12} label="Loading the audit log" />}
      {items?.length === 0 && (
        <EmptyState title={narrowed ? 'No entry matches' : 'Nothing is on record yet'}>
          {narrowed && <Button onClick={() => change(NO_FILTER)}>Clear the filters</Button>}
        </EmptyState>
      )}
      {items && items.length > 0 && (
        <Entries items={items} nameOf={(id) => clusters.find((one) => one.id === id)?.name ?? id} />
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
    </div>
  )
}

function TimeField({
  label,
  value,
  onChange,
}: {
  label: string
  value: string | undefined
  onChange: (value: string | undefined) => void
}) {
  return (
    <label className={styles.time}>
      {label}
      <input
        type="datetime-local"
        aria-label={`${label}, in UTC`}
        title="In UTC"
        value={fieldTime(value)}
        onChange={(event) => onChange(isoTime(event.target.value))}
      />
    </label>
  )
}

function Export({ filter, format, words }: { filter: AuditFilter; format: 'csv' | 'json'; words: string }) {
  const address = `/api/v1/audit/export${queryString({ format, ...filter })}`
  return (
    <a
      className={styles.export}
      title="As filtered below; at most 5,000 entries at once"
      href={address}
      download={`audit.${format}`}
    >
      {words}
    </a>
  )
}

function Verify() {
  const verify = useMutation({ mutationFn: verifyAudit })
  return (
    <div className={styles.verify}>
      <Button icon="check" disabled={verify.isPending} onClick={() => verify.mutate()}>
        {verify.isPending ? 'Verifying…' : 'Verify the chain'}
      </Button>
      <div role="status" className={styles.result}>
        {verify.data ? (
          <Verified result={verify.data} />
        ) : (
          <span>Each entry carries the hash of the one before it.</span>
        )}
      </div>
      {verify.isError && <ErrorNotice error={verify.error} title="The chain could not be verified" />}
    </div>
  )
}

function Verified({ result }: { result: ChainVerification }) {
  return result.ok ? (
    <>
      <StatusShape level="ok" />
      <span>
        Intact: {count(result.events)} entries, each with the hash of the one before it.
        {result.anchored
          ? ` Up to entry ${count(result.anchored.seq)} also by the anchor of ${result.anchored.day}, which nobody can change.`
          : ' No day has been anchored yet.'}
      </span>
    </>
  ) : (
    <>
      <StatusShape level="crit" />
      <strong>
        Broken{result.broken_at === null ? '' : ` at entry ${result.broken_at}`}: {result.reason}
      </strong>
    </>
  )
}

function Entries({ items, nameOf }: { items: AuditEvent[]; nameOf: (cluster: string) => string }) {
  return (
    <div className={styles.entries}>
      <Table
        label="Audit log"
        rows={items}
        rowKey={(event) => event.id}
        columns={[
          { key: 'seq', title: 'No.', numeric: true, cell: (event) => count(event.seq) },
          {
            key: 'at',
            title: 'When',
            cell: (event) => <span className={styles.when}>{clockTime(event.at)}</span>,
          },
          { key: 'actor', title: 'Who', cell: (event) => event.actor },
          { key: 'action', title: 'Action', cell: (event) => <code>{event.action}</code> },
          { key: 'cluster', title: 'Cluster', cell: (event) => (event.cluster ? nameOf(event.cluster) : '') },
          { key: 'detail', title: 'Details', cell: (event) => <Details event={event} /> },
        ]}
      />
    </div>
  )
}

/** Named by the link to the change, or of no use to a reader; the whole entry is one click away. */
const NOT_IN_BRIEF = new Set(['change', 'summary', 'digest'])

function Details({ event }: { event: AuditEvent }) {
  const { change, summary } = event.detail
  const pairs = Object.entries(event.detail).filter(
    ([key, value]) => !NOT_IN_BRIEF.has(key) && short(value) !== '' && short(value) !== '[]',
  )
  return (
    <div className={styles.details}>
      {typeof change === 'string' && event.cluster && (
        <Link to="/c/$cluster/changes/$change" params={{ cluster: event.cluster, change }} preload={false}>
          {typeof summary === 'string' && summary ? summary : 'The change'}
        </Link>
      )}
      <details>
        <summary>
          <span className={styles.brief}>
            {pairs.map(([key, value]) => `${key.replaceAll('_', ' ')}: ${short(value)}`).join(', ') ||
              'Entry'}
          </span>
        </summary>
        <pre tabIndex={0} aria-label={`Entry ${event.seq}`}>
          {JSON.stringify({ ...event.detail, hash: event.hash, prev: event.prev }, null, 2)}
        </pre>
      </details>
    </div>
  )
}

function short(value: unknown): string {
  if (value === null || value === undefined) {
    return ''
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
