import { useState, type FormEvent } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { addProvider, removeProvider, setProviderKey } from '../../api/commands'
import type { ModelProvider } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import form from '../investigations/Form.module.css'
import { KINDS } from './words'

const KEY_HINT = 'Kept in the secret store. It can be replaced, and is never shown again.'

export function AddProviderDialog({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<ModelProvider['kind']>('anthropic')
  const [fields, setFields] = useState({ name: '', model: '', base_url: '', key: '' })
  const queries = useQueryClient()
  const add = useMutation({
    mutationFn: () => addProvider({ kind, ...fields, key: fields.key || null }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['models'] })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  const set = (field: keyof typeof fields) => (event: { target: { value: string } }) =>
    setFields({ ...fields, [field]: event.target.value })
  const { address, needsAddress } = KINDS[kind]
  return (
    <Modal open onClose={onClose} title="Add a provider">
      <form className={form.form} onSubmit={submit}>
        <SelectField
          label="Kind"
          value={kind}
          onChange={(event) => setKind(event.target.value as ModelProvider['kind'])}
        >
          {Object.entries(KINDS).map(([name, { title }]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </SelectField>
        <TextField label="Name" value={fields.name} onChange={set('name')} maxLength={60} required />
        <TextField
          label="Model"
          value={fields.model}
          onChange={set('model')}
          maxLength={200}
          hint="Its id at the provider; the test lists those that it has."
          required
        />
        <TextField
          label="Address"
          type="url"
          value={fields.base_url}
          onChange={set('base_url')}
          placeholder={address}
          required={needsAddress}
          hint={needsAddress ? undefined : 'Empty: its own.'}
        />
        <TextField
          label="Key"
          type="password"
          autoComplete="off"
          value={fields.key}
          onChange={set('key')}
          hint={KEY_HINT}
        />
        {add.isError && <ErrorNotice error={add.error} />}
        <div className={form.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={add.isPending}>
            Add
          </Button>
        </div>
      </form>
    </Modal>
  )
}

interface DialogProps {
  provider: ModelProvider
  onClose: () => void
}

export function KeyDialog({ provider, onClose }: DialogProps) {
  const [key, setKey] = useState('')
  const queries = useQueryClient()
  const save = useMutation({
    mutationFn: () => setProviderKey(provider.id, key),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['models'] })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Modal open onClose={onClose} title={`Key of ${provider.name}`} width={460}>
      <form className={form.form} onSubmit={submit}>
        <TextField
          label="New key"
          type="password"
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.target.value)}
          hint={KEY_HINT}
          required
          autoFocus
        />
        {save.isError && <ErrorNotice error={save.error} />}
        <div className={form.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={save.isPending || key === ''}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}

export function RemoveProviderDialog({ provider, onClose }: DialogProps) {
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => removeProvider(provider.id),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['models'] })
      onClose()
    },
  })
  return (
    <Modal
      open
      onClose={onClose}
      title={`Remove ${provider.name}`}
      description="Removes the provider and its key. What it used stays counted."
      width={460}
    >
      {remove.isError && <ErrorNotice error={remove.error} />}
      <div className={form.actions}>
        <Button onClick={onClose}>Cancel</Button>
        <Button tone="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
      </div>
    </Modal>
  )
}
