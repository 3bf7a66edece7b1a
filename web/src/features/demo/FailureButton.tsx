import { lazy, Suspense, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery } from '../../api/queries'
import { Button } from '../../ui/Button'
import { isSimulated } from './simulated'
import styles from './FailureButton.module.css'

const FailureDialog = lazy(() =>
  import('./FailureDialog').then((module) => ({ default: module.FailureDialog })),
)

/** "Try a failure", on simulated clusters only. */
export function FailureButton({ cluster }: { cluster: string | undefined }) {
  const clusters = useQuery(clustersQuery())
  const [open, setOpen] = useState(false)
  const current = clusters.data?.items.find((candidate) => candidate.id === cluster)
  if (!current || !isSimulated(current)) {
    return null
  }
  return (
    <>
      <Button icon="flask" aria-haspopup="dialog" title="Try a failure" onClick={() => setOpen(true)}>
        <span className={styles.text}>Try a failure</span>
      </Button>
      <Suspense fallback={null}>
        {open && <FailureDialog cluster={current.id} onClose={() => setOpen(false)} />}
      </Suspense>
    </>
  )
}
