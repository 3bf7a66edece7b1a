import { useId, useState, type FormEvent } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { signStanding } from '../../api/changeCommands'
import { actionsQuery, autonomyQuery } from '../../api/changeQueries'
import { clustersQuery, problemsQuery } from '../../api/queries'
import type { NewStanding, TimeWindow } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { SwitchField } from '../../ui/SwitchField'
import { Words } from './PolicyDialog'
import { ALWAYS } from './policyForm'
import { WindowFields } from './WindowFields'
import styles from './Governance.module.css'

/** A signed yes to a kind of change beforehand, within bounds that are all named. */
export function StandingDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const actions = useQuery(actionsQuery()).data?.items ?? []
  const [rule, setRule] = useState('')
  const [action, setAction] = useState('restart')
  const [cluster, setCluster] = useState('')
  const [namespaces, setNamespaces] = useState<string[]>([])
  const [kinds, setKinds] = useState<string[]>([])
  const [worst, setWorst] = useState<NewStanding['bounds']['worst_level']>('low')
  const [replicas, setReplicas] = useState('0')
  const [production, setProduction] = useState(false)
  const [budget, setBudget] = useState('1')
  const [days, setDays] = useState('30')
  const [window, setWindow] = useState<TimeWindow | null>(null)
  const [typed, setTyped] = useState('')
  const place = cluster || (clusters[0]?.id ?? '')
  const problems = useQuery({ ...problemsQuery(place), enabled: place !== '' }).data?.items ?? []
  const modes = [...new Set(problems.map(({ mode }) => mode))].sort()
  const modesId = useId()
  const phrase = `${rule.trim()} ${action}`
  const sign = useMutation({
    mutationFn: () =>
      signStanding({
        rule: rule.trim(),
        action,
        bounds: {
          clusters: [place],
          namespaces,
          kinds,
          worst_level: worst,
          most_replicas: Number(replicas),
          production,
        },
        daily_budget: Number(budget),
        days: Number(days),
        window,
        phrase: typed,
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: autonomyQuery().queryKey })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sign.mutate()
  }
  return (
    <Modal
      open
      onClose={onClose}
      title="Sign a standing approval"
      description="It counts as your approval of every change inside these bounds, where the level is 4 or 5, until it ends or is revoked."
      width={640}
    >
      <form className={styles.form} onSubmit={submit}>
        <div className={styles.pair}>
          <TextField
            label="On which problem"
            hint="The failure mode, as a problem names it."
            placeholder={modes[0]}
            list={modesId}
            required
            maxLength={100}
            value={rule}
            spellCheck={false}
            onChange={(event) => setRule(event.target.value)}
          />
          <datalist id={modesId}>
            {modes.map((mode) => (
              <option key={mode} value={mode} />
            ))}
          </datalist>
          <SelectField label="Do" value={action} onChange={(event) => setAction(event.target.value)}>
            {actions.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </SelectField>
          <SelectField label="Cluster" value={cluster} onChange={(event) => setCluster(event.target.value)}>
            {clusters.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
          <Words
            label="Namespaces"
            placeholder="sandbox, dev-*"
            required
            values={[]}
            onChange={setNamespaces}
          />
          <Words label="Kinds" placeholder="Deployment" required values={[]} onChange={setKinds} />
          <SelectField
            label="Blast radius at most"
            value={worst}
            onChange={(event) => setWorst(event.target.value as typeof worst)}
          >
            <option value="low">Low</option>
            <option value="medium">Medium</option>
          </SelectField>
          <CountField label="Replicas at most" value={replicas} onChange={setReplicas} />
          <CountField label="Changes a day at most" value={budget} onChange={setBudget} />
          <CountField label="Holds for days" value={days} onChange={setDays} />
        </div>
        <SwitchField label="Also in production" checked={production} onChange={setProduction} />
        <SwitchField
          label="Only at certain hours"
          checked={window !== null}
          onChange={(on) => setWindow(on ? ALWAYS : null)}
        />
        {window && <WindowFields legend="Hours" window={window} onChange={setWindow} />}
        <TextField
          label={rule.trim() ? `Type ${phrase} to sign` : 'Name the problem first, then sign here'}
          value={typed}
          autoComplete="off"
          spellCheck={false}
          disabled={!rule.trim()}
          onChange={(event) => setTyped(event.target.value)}
        />
        {sign.isError && <ErrorNotice error={sign.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="danger" disabled={sign.isPending || !rule.trim() || typed !== phrase}>
            Sign
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function CountField({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (value: string) => void
}) {
  return (
    <TextField
      label={label}
      inputMode="numeric"
      pattern="\d+"
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}
