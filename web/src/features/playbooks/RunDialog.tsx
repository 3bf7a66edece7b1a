import { useState, type FormEvent } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { planRun } from '../../api/changeCommands'
import { clustersQuery } from '../../api/queries'
import type { Playbook } from '../../api/types'
import { rememberedCluster } from '../../app/layout'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import styles from '../changes/Dialogs.module.css'

/** What a playbook is run with. Planning previews every step on what the steps before it would leave. */
export function RunDialog({ book, onClose }: { book: Playbook; onClose: () => void }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const clusters = (useQuery(clustersQuery()).data?.items ?? []).filter(({ source }) => source !== 'recorded')
  const [chosen, setChosen] = useState(rememberedCluster() ?? '')
  const [typed, setTyped] = useState<Record<string, string>>({})
  const cluster = clusters.some(({ id }) => id === chosen) ? chosen : (clusters[0]?.id ?? '')
  const plan = useMutation({
    mutationFn: () => planRun({ cluster, playbook: book.id, arguments: given(typed) }),
    onSuccess: async (run) => {
      void queries.invalidateQueries({ queryKey: ['runs'] })
      await navigate({ to: '/c/$cluster/runs/$run', params: { cluster: run.cluster, run: run.id } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    plan.mutate()
  }
  return (
    <Modal open onClose={onClose} title={book.name} description={book.description} width={480}>
      <form className={styles.form} onSubmit={submit}>
        <SelectField label="Cluster" value={cluster} onChange={(event) => setChosen(event.target.value)}>
          {clusters.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </SelectField>
        {Object.entries(book.parameters).map(([name, about]) => (
          <TextField
            key={name}
            label={name.charAt(0).toUpperCase() + name.slice(1)}
            hint={about}
            value={typed[name] ?? ''}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped((before) => ({ ...before, [name]: event.target.value }))}
          />
        ))}
        {plan.isError && <ErrorNotice error={plan.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={plan.isPending || !cluster}>
            {plan.isPending ? 'Making the previews…' : 'Plan'}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

/** What was typed; an empty parameter is left to the playbook. */
function given(typed: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(typed)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ''),
  )
}
