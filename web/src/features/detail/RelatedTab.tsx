import { useQuery } from '@tanstack/react-query'
import { relatedQuery } from '../../api/queries'
import type { Relation, ResourceRef } from '../../api/types'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { groupRelations } from './relations'
import styles from './RelatedTab.module.css'

/** Objects that this one names and that name it, grouped by how. */
export function RelatedTab({ cluster, resource }: { cluster: string; resource: ResourceRef }) {
  const related = useQuery(relatedQuery(cluster, resource))
  if (related.isPending) {
    return <SkeletonRows />
  }
  if (related.isError) {
    return (
      <ErrorNotice
        error={related.error}
        title="The relations could not be read"
        onRetry={() => void related.refetch()}
      />
    )
  }
  const groups = groupRelations(related.data.items)
  return (
    <div className={styles.related}>
      <GapsNotice gaps={related.data.gaps} />
      {groups.length === 0 && <EmptyState title="Nothing refers to it and it refers to nothing" />}
      {groups.map((group) => (
        <section key={group.title}>
          <h2 className={styles.heading}>
            {group.title} <span>{group.items.length}</span>
          </h2>
          <ul className={styles.list}>
            {group.items.map((item) => (
              <RelatedItem key={refKey(item.resource) + item.detail} cluster={cluster} item={item} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

function RelatedItem({ cluster, item }: { cluster: string; item: Relation }) {
  return (
    <li className={styles.item}>
      <ResourceLink cluster={cluster} resource={item.resource} />
      {item.detail && <span className={styles.detail}>{item.detail}</span>}
      {item.status && (
        <StatusWord level={item.status.level} word={item.status.word} title={item.status.reason} />
      )}
    </li>
  )
}
