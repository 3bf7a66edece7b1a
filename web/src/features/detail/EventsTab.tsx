import { useQuery } from '@tanstack/react-query'
import { eventsQuery } from '../../api/queries'
import type { ResourceRef } from '../../api/types'
import { age, count } from '../../kinds/format'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import styles from './EventsTab.module.css'

interface EventsTabProps {
  cluster: string
  resource: ResourceRef
  asOf: string | null
}

/** Events of the object and of what it owns, newest first as the server sends them. */
export function EventsTab({ cluster, resource, asOf }: EventsTabProps) {
  const events = useQuery(eventsQuery(cluster, resource))
  const now = asOf ? Date.parse(asOf) : Date.now()
  if (events.isPending) {
    return <SkeletonRows />
  }
  if (events.isError) {
    return (
      <ErrorNotice
        error={events.error}
        title="The events could not be read"
        onRetry={() => void events.refetch()}
      />
    )
  }
  const { items, gaps } = events.data
  return (
    <div className={styles.events}>
      <GapsNotice gaps={gaps} />
      {items.length === 0 && (
        <EmptyState title="No events">
          <p>Kubernetes keeps events for an hour by default.</p>
        </EmptyState>
      )}
      {items.length > 0 && (
        <Table
          label="Events"
          rows={items}
          rowKey={(row, index) => `${row.reason}/${refKey(row.object)}/${index}`}
          columns={[
            {
              key: 'reason',
              title: 'Reason',
              cell: (row) => <StatusWord level={row.type === 'Warning' ? 'warn' : 'ok'} word={row.reason} />,
            },
            { key: 'count', title: 'Count', numeric: true, cell: (row) => count(row.count) },
            { key: 'last', title: 'Last', numeric: true, cell: (row) => age(row.last, now) },
            {
              key: 'message',
              title: 'Message',
              cell: (row) => (
                <div className={styles.message}>
                  {row.message}
                  {row.object.name !== resource.name && (
                    <ResourceLink cluster={cluster} resource={row.object} short />
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
    </div>
  )
}
