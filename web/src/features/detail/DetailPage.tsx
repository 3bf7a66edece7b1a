import { getRouteApi } from '@tanstack/react-router'
import { useKinds } from '../../kinds/registry'
import { DetailView } from './DetailView'
import styles from './DetailPage.module.css'

const route = getRouteApi('/c/$cluster/k/$kind/$namespace/$name')

/** One object on a page of its own, with the same view as the list's side panel. */
export function DetailPage() {
  const { cluster, kind, namespace, name } = route.useParams()
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const entry = useKinds().find(kind)
  const resource = { kind: entry?.kind ?? kind, namespace: namespace === '-' ? undefined : namespace, name }
  return (
    <div className={styles.page}>
      <DetailView
        key={`${cluster}/${kind}/${namespace}/${name}`}
        cluster={cluster}
        resource={resource}
        tab={tab}
        onTab={(next) => void navigate({ search: (previous) => ({ ...previous, tab: next }), replace: true })}
      />
    </div>
  )
}
