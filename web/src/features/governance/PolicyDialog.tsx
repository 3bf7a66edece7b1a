import { useState, type FormEvent } from 'react'
import { useQuery } from '@tanstack/react-query'
import { actionsQuery } from '../../api/changeQueries'
import type { Policies, Policy } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField, TextArea, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { SwitchField } from '../../ui/SwitchField'
import { METHOD_WORDS } from '../changes/words'
import { listOf, usePutPolicies } from './policies'
import { ALWAYS, idOf, isLimit, limitOf, pairs, pairsText, words } from './policyForm'
import { WindowFields } from './WindowFields'
import styles from './Governance.module.css'

interface PolicyDialogProps {
  found: Policies
  policy: Policy
  onClose: () => void
}

/** One policy as a form, or as the JSON that the API takes. */
export function PolicyDialog({ found, policy, onClose }: PolicyDialogProps) {
  const [draft, setDraft] = useState(policy)
  const [json, setJson] = useState<string | null>(null)
  const [wrong, setWrong] = useState('')
  const put = usePutPolicies(found, onClose)
  const others = listOf(found).filter(({ id }) => id !== policy.id)
  const known = policy.id !== ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const read = json === null ? draft : parsed(json)
    if (typeof read === 'string') {
      setWrong(read)
      return
    }
    if (!isLimit(read.most_objects) || !isLimit(read.most_replicas)) {
      setWrong('A limit is a whole number of 0 or more.')
      return
    }
    setWrong('')
    const saved = {
      ...read,
      id: known
        ? policy.id
        : idOf(
            read.name,
            others.map(({ id }) => id),
          ),
    }
    // In its place, so that saving reorders nothing.
    const all = known ? listOf(found).map((one) => (one.id === policy.id ? saved : one)) : [...others, saved]
    put.mutate({ policies: all })
  }
  const turn = () => {
    if (json === null) {
      setJson(JSON.stringify(draft, null, 2))
      return
    }
    const read = parsed(json)
    if (typeof read === 'string') {
      setWrong(read)
      return
    }
    setWrong('')
    setDraft(read)
    setJson(null)
  }
  return (
    <Modal open onClose={onClose} title={known ? `Policy: ${policy.name}` : 'Add a policy'} width={640}>
      <form className={styles.form} onSubmit={submit}>
        {json === null ? (
          <PolicyFields draft={draft} onChange={setDraft} />
        ) : (
          <TextArea
            label="Policy as JSON"
            className={styles.json}
            value={json}
            onChange={(event) => setJson(event.target.value)}
          />
        )}
        {wrong && <p role="alert">{wrong}</p>}
        {put.isError && <ErrorNotice error={put.error} />}
        <div className={styles.actions}>
          <Button className={styles.left} tone="quiet" onClick={turn}>
            {json === null ? 'As JSON' : 'As a form'}
          </Button>
          {known && (
            <Button icon="trash" disabled={put.isPending} onClick={() => put.mutate({ policies: others })}>
              Remove
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            tone="primary"
            disabled={put.isPending || (json === null && !draft.name.trim())}
          >
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}

/** The policy that a text holds, or what is wrong with it. What else it must have the API says. */
function parsed(text: string): Policy | string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Policy)
      : 'A policy is a JSON object.'
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}

function PolicyFields({ draft, onChange }: { draft: Policy; onChange: (policy: Policy) => void }) {
  const set = (change: Partial<Policy>) => onChange({ ...draft, ...change })
  return (
    <>
      <div className={styles.pair}>
        <TextField
          label="Name"
          value={draft.name}
          maxLength={100}
          required
          onChange={(event) => set({ name: event.target.value })}
        />
        <TextField
          label="Why"
          hint="Shown where it asks for something."
          value={draft.reason}
          maxLength={500}
          onChange={(event) => set({ reason: event.target.value })}
        />
      </div>
      <MatchFields draft={draft} onChange={onChange} />
      <SwitchField label="Refuse what matches" checked={draft.deny} onChange={(deny) => set({ deny })} />
      {!draft.deny && (
        <>
          <SelectField
            label="Approval"
            value={draft.approval}
            onChange={(event) => set({ approval: event.target.value as Policy['approval'] })}
          >
            {Object.entries(METHOD_WORDS).map(([method, text]) => (
              <option key={method} value={method}>
                {text}, or more where the preview asks for it
              </option>
            ))}
          </SelectField>
          <SwitchField
            label="A second person has to approve"
            checked={draft.second_person}
            onChange={(second_person) => set({ second_person })}
          />
          <SwitchField
            label="Only an administrator can approve"
            checked={draft.admin}
            onChange={(admin) => set({ admin })}
          />
          <div className={styles.pair}>
            <Limit
              label="At most objects"
              value={draft.most_objects}
              onChange={(most_objects) => set({ most_objects })}
            />
            <Limit
              label="At most replicas"
              value={draft.most_replicas}
              onChange={(most_replicas) => set({ most_replicas })}
            />
          </div>
          <SwitchField
            label="Only at certain hours"
            checked={draft.window !== null}
            onChange={(on) => set({ window: on ? ALWAYS : null })}
          />
          {draft.window && (
            <WindowFields
              legend="Changes are allowed"
              window={draft.window}
              onChange={(window) => set({ window })}
            />
          )}
        </>
      )}
      <SwitchField label="In force" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
    </>
  )
}

function MatchFields({ draft, onChange }: { draft: Policy; onChange: (policy: Policy) => void }) {
  const actions = useQuery(actionsQuery()).data?.items ?? []
  const { match } = draft
  const set = (change: Partial<Policy['match']>) => onChange({ ...draft, match: { ...match, ...change } })
  const names = actions.map(({ name }) => name).join(', ')
  return (
    <>
      <p className={styles.small}>
        About which changes? An empty field is all. Several are separated by commas; * and ? stand for any
        characters.
      </p>
      <div className={styles.pair}>
        <Words label="Clusters" values={match.clusters} onChange={(clusters) => set({ clusters })} />
        <Words label="Namespaces" values={match.namespaces} onChange={(namespaces) => set({ namespaces })} />
        <Words
          label="Kinds"
          placeholder="Deployment"
          values={match.kinds}
          onChange={(kinds) => set({ kinds })}
        />
        <Words
          label="Actions"
          placeholder={names}
          values={match.actions}
          onChange={(actions) => set({ actions })}
        />
        <LabelsField labels={match.labels} onChange={(labels) => set({ labels })} />
        <SelectField
          label="Production"
          value={match.production === true ? 'yes' : match.production === false ? 'no' : ''}
          onChange={(event) =>
            set({ production: event.target.value === '' ? null : event.target.value === 'yes' })
          }
        >
          <option value="">Everywhere</option>
          <option value="yes">Only production</option>
          <option value="no">Only outside production</option>
        </SelectField>
      </div>
    </>
  )
}

/** A field of words. What is typed stays as typed until it is left. */
export function Words({
  label,
  placeholder,
  values,
  required,
  onChange,
}: {
  label: string
  placeholder?: string
  values: string[] | undefined
  required?: boolean
  onChange: (values: string[]) => void
}) {
  const [typed, setTyped] = useState((values ?? []).join(', '))
  return (
    <TextField
      label={label}
      placeholder={placeholder}
      value={typed}
      required={required}
      spellCheck={false}
      onChange={(event) => {
        setTyped(event.target.value)
        onChange(words(event.target.value))
      }}
    />
  )
}

function LabelsField({
  labels,
  onChange,
}: {
  labels: Record<string, string> | undefined
  onChange: (labels: Record<string, string>) => void
}) {
  const [typed, setTyped] = useState(pairsText(labels))
  return (
    <TextField
      label="Labels"
      placeholder="tier=gold"
      value={typed}
      spellCheck={false}
      onChange={(event) => {
        setTyped(event.target.value)
        onChange(pairs(event.target.value))
      }}
    />
  )
}

function Limit({
  label,
  value,
  onChange,
}: {
  label: string
  value: number | null
  onChange: (value: number | null) => void
}) {
  const [typed, setTyped] = useState(value === null ? '' : String(value))
  return (
    <TextField
      label={label}
      inputMode="numeric"
      placeholder="no limit"
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value)
        onChange(limitOf(event.target.value))
      }}
    />
  )
}
