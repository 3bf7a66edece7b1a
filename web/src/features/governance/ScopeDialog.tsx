import { useState, type FormEvent } from 'react'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery, namespacesQuery } from '../../api/queries'
import type { AutonomyScope } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField, ToolbarSelect } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import styles from './Governance.module.css'

const DEFAULT_LEVEL = 3

interface LevelSelectProps {
  label: string
  levels: Record<string, string>
  value: number
  disabled?: boolean
  onChange: (level: number) => void
}

export function LevelSelect({ label, levels, value, disabled, onChange }: LevelSelectProps) {
  return (
    <ToolbarSelect
      label={label}
      value={String(value)}
      disabled={disabled}
      onChange={(event) => onChange(Number(event.target.value))}
    >
      {Object.entries(levels).map(([level, words]) => (
        <option key={level} value={level}>
          {level}: {words}
        </option>
      ))}
    </ToolbarSelect>
  )
}

/** A level for a cluster, or for one namespace of it. */
export function ScopeDialog({
  levels,
  onSave,
  onClose,
}: {
  levels: Record<string, string>
  onSave: (scope: AutonomyScope) => void
  onClose: () => void
}) {
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const [chosen, setChosen] = useState('')
  const [namespace, setNamespace] = useState('')
  const [level, setLevel] = useState(DEFAULT_LEVEL)
  const cluster = chosen || (clusters[0]?.id ?? '')
  const namespaces = useQuery({ ...namespacesQuery(cluster), enabled: cluster !== '' }).data ?? []
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSave({ cluster, namespace, level })
  }
  return (
    <Modal open onClose={onClose} title="A level for a cluster or namespace" width={460}>
      <form className={styles.form} onSubmit={submit}>
        <SelectField
          label="Cluster"
          value={cluster}
          onChange={(event) => {
            setChosen(event.target.value)
            setNamespace('')
          }}
        >
          {clusters.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </SelectField>
        <SelectField
          label="Namespace"
          value={namespace}
          onChange={(event) => setNamespace(event.target.value)}
        >
          <option value="">The whole cluster</option>
          {namespaces.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </SelectField>
        <SelectField
          label="Level"
          value={String(level)}
          onChange={(event) => setLevel(Number(event.target.value))}
        >
          {Object.entries(levels).map(([number, words]) => (
            <option key={number} value={number}>
              {number}: {words}
            </option>
          ))}
        </SelectField>
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={!cluster}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}
