import { lazy, Suspense, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { actionsQuery } from '../../api/changeQueries'
import { useMay } from '../../api/roles'
import { Button } from '../../ui/Button'

const ActionDialog = lazy(() => import('./ActionDialog').then((module) => ({ default: module.ActionDialog })))

/** A change that something proposes: an action of the registry with its arguments, and what speaks for it. */
export interface ProposedChange {
  action: string
  arguments: Record<string, unknown>
  reason: string
  evidence: string[]
  /** Id of the problem that it shall end. */
  symptom: string
}

/** Opens the form of a proposed change, filled in. The person reads and sends it; the preview is made then. */
export function ProposeButton({ cluster, proposed }: { cluster: string; proposed: ProposedChange }) {
  const mayAsk = useMay('changes:write')
  const actions = useQuery({ ...actionsQuery(), enabled: mayAsk }).data?.items ?? []
  const [open, setOpen] = useState(false)
  const action = actions.find(({ name }) => name === proposed.action)
  if (!action) {
    return null
  }
  return (
    <>
      <Button icon="edit" title={action.description} onClick={() => setOpen(true)}>
        {action.title}
      </Button>
      <Suspense fallback={null}>
        {open && (
          <ActionDialog
            cluster={cluster}
            action={action}
            proposed={proposed}
            onClose={() => setOpen(false)}
          />
        )}
      </Suspense>
    </>
  )
}
