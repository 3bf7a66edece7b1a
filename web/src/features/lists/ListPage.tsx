import { useMemo, useRef } from 'react'
import { getRouteApi } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { kindsQuery } from '../../api/queries'
import type { Kind } from '../../api/types'
import type { ListSearch } from '../../app/router'
import { useShortcut } from '../../app/shortcuts'
import { useKinds } from '../../kinds/registry'
import { count } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Freshness } from '../../ui/Freshness'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { DetailView } from '../detail/DetailView'
import { allColumns, nextSort, shownColumns } from './columns'
import { FilterBox } from './FilterBox'
import { ListControls } from './ListControls'
import { EmptyList } from './EmptyList'
import { ResourceGrid } from './ResourceGrid'
import { RowLayout } from './rowLayout'
import { useClosedGroups, useResourceList } from './useResourceList'
import styles from './ListPage.module.css'

const route = getRouteApi('/c/$cluster/k/$kind')

/** The list of any kind: everything about it comes from the registry that the server serves. */
export function ListPage() {
  const params = route.useParams()
  const kinds = useQuery(kindsQuery())
  const registry = useKinds()
  const kind = registry.find(params.kind)
  if (kind) {
    // A key per kind and cluster: scroll, selection and closed groups belong to one list.
    return <KindList key={`${params.cluster}/${kind.kind}`} cluster={params.cluster} kind={kind} />
  }
  if (kinds.isPending) {
    return <SkeletonRows count={16} label="Loading" />
  }
  if (kinds.isError) {
    return (
      <ErrorNotice
        error={kinds.error}
        title="The kinds could not be read"
        onRetry={() => void kinds.refetch()}
      />
    )
  }
  return (
    <EmptyState page title={`There is no kind called ${params.kind}`}>
      <p>The navigation on the left names every kind that can be listed.</p>
    </EmptyState>
  )
}

function KindList({ cluster, kind }: { cluster: string; kind: Kind }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const change = (next: Partial<ListSearch>) =>
    void navigate({ search: (previous) => ({ ...previous, ...next }), replace: true })
  const list = useResourceList({
    cluster,
    kind: kind.kind,
    namespace: search.namespace,
    q: search.q,
    sort: search.sort,
    group: search.group,
  })
  const { closed, toggle } = useClosedGroups()
  const columns = useMemo(
    () => allColumns({ namespaced: kind.namespaced, columns: list.head?.columns ?? kind.columns }),
    [kind, list.head?.columns],
  )
  const shown = useMemo(() => shownColumns(columns, search.columns), [columns, search.columns])
  const groups = search.group ? (list.head?.groups ?? null) : null
  const layout = useMemo(() => new RowLayout(list.total, groups, closed), [list.total, groups, closed])
  const filterInput = useRef<HTMLInputElement>(null)
  const sortBy = (key: string) => {
    const column = columns.find((candidate) => candidate.key === key)
    if (column) {
      change({ sort: nextSort(search.sort, column) })
    }
  }
  useShortcut('filter', () => filterInput.current?.focus())
  useShortcut('sortStatus', () => sortBy('status'))
  useShortcut('sortName', () => sortBy('name'))
  useShortcut('sortAge', () => sortBy('age'))
  useShortcut('refreshList', list.refresh)
  const close = () => change({ open: undefined, tab: undefined })
  const openRef = search.open ? refOfOpen(kind, search.open) : null

  return (
    <div className={styles.page} data-open={openRef !== null}>
      <div className={styles.main}>
        <PageHeader
          title={kind.title}
          facts={
            <>
              {list.head && <span>{count(list.total)}</span>}
              <Freshness asOf={list.head?.as_of} recorded={list.recorded} failing={list.failing} />
              {list.waiting > 0 && (
                <Button tone="quiet" className={styles.newer} onClick={list.apply}>
                  {list.added} new, {list.removed} gone: apply
                </Button>
              )}
            </>
          }
        >
          <ListControls cluster={cluster} kind={kind} columns={columns} search={search} change={change} />
        </PageHeader>
        <FilterBox
          ref={filterInput}
          q={search.q ?? ''}
          parsed={list.head?.query ?? null}
          total={list.head ? list.total : null}
          placeholder={`Filter ${kind.title.toLowerCase()} in plain words: failing, restarts > 5, older than 2d`}
          onChange={(q) => change({ q: q || undefined, open: undefined })}
        />
        <GapsNotice gaps={list.total > 0 ? list.head?.gaps : undefined} what="This list is not complete" />
        {list.error !== null && (
          <ErrorNotice
            error={list.error}
            title={list.head ? 'Newer rows could not be read; below is the last answer' : undefined}
            onRetry={list.refresh}
          />
        )}
        {list.loading && <SkeletonRows count={18} label={`Loading ${kind.title}`} />}
        {list.head && list.total === 0 && (
          <EmptyList
            kind={kind}
            gaps={list.head.gaps}
            q={search.q}
            namespace={search.namespace}
            onClear={() => change({ q: undefined })}
            onAllNamespaces={() => change({ namespace: undefined })}
          />
        )}
        {list.head && list.total > 0 && (
          <ResourceGrid
            cluster={cluster}
            kind={kind}
            columns={shown}
            rows={list.rows}
            layout={layout}
            now={list.head.as_of ? Date.parse(list.head.as_of) : Date.now()}
            sort={search.sort}
            open={search.open}
            busy={list.busy}
            onSort={sortBy}
            onOpen={(row) => change({ open: `${row.namespace ?? ''}/${row.name}`, tab: undefined })}
            onNeed={list.need}
            onToggle={toggle}
          />
        )}
      </div>
      {openRef && (
        <aside className={styles.side} aria-label={`${kind.kind} ${openRef.name}`}>
          <DetailView
            key={search.open}
            cluster={cluster}
            resource={openRef}
            tab={search.tab}
            onTab={(tab) => change({ tab })}
            onClose={close}
          />
        </aside>
      )}
    </div>
  )
}

/** `namespace/name` of the address as a reference; the namespace is empty for cluster-scoped kinds. */
function refOfOpen(kind: Kind, open: string) {
  const slash = open.indexOf('/')
  const namespace = slash === -1 ? '' : open.slice(0, slash)
  return { kind: kind.kind, namespace: namespace || undefined, name: open.slice(slash + 1) }
}
