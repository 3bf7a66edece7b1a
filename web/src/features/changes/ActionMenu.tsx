import { lazy, Suspense, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { actionsQuery } from '../../api/changeQueries'
import { overviewQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { Action, ResourceRef } from '../../api/types'
import { Button } from '../../ui/Button'
import { Menu, MenuItem, MenuLabel } from '../../ui/Menu'
import type { Cause } from './ActionDialog'

const ActionDialog = lazy(() => import('./ActionDialog').then((module) => ({ default: module.ActionDialog })))

/** Actions that fit a kind: those made for it first, then those for any. */
export function actionsFor(kind: string, actions: Action[]): Action[] {
  return [
    ...actions.filter(({ kinds }) => kinds.includes(kind)),
    ...actions.filter(({ kinds }) => kinds.includes('*')),
  ]
}

interface ActionMenuProps {
  cluster: string
  resource: ResourceRef
  cause?: Cause
  tone?: 'plain' | 'quiet'
}

/** What can be asked to be changed about an object. Asking changes nothing. */
export function ActionMenu({ cluster, resource, cause, tone = 'quiet' }: ActionMenuProps) {
  const mayAsk = useMay('changes:write')
  const actions = useQuery({ ...actionsQuery(), enabled: mayAsk })
  const recorded = useQuery(overviewQuery(cluster)).data?.cluster.source === 'recorded'
  const [chosen, setChosen] = useState<Action | null>(null)
  const fitting = actionsFor(resource.kind, actions.data?.items ?? [])
  if (!mayAsk || fitting.length === 0) {
    return null
  }
  const trigger = (
    <Button
      tone={tone}
      icon="edit"
      aria-label={cause && `Change, because of ${cause.reason}`}
      disabled={recorded}
      title={
        recorded ? 'A recording cannot be changed' : 'Ask for a change; it is previewed and needs an approval'
      }
    >
      Change
    </Button>
  )
  return (
    <>
      <Menu align="end" trigger={trigger}>
        <MenuLabel>Ask for a change</MenuLabel>
        {fitting.map((action) => (
          <MenuItem key={action.name} danger={action.name === 'delete'} onSelect={() => setChosen(action)}>
            {action.title}
          </MenuItem>
        ))}
      </Menu>
      <Suspense fallback={null}>
        {chosen && (
          <ActionDialog
            cluster={cluster}
            action={chosen}
            resource={resource}
            cause={cause}
            onClose={() => setChosen(null)}
          />
        )}
      </Suspense>
    </>
  )
}
