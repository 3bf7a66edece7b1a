import { useState, type FormEvent } from 'react'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery, investigationTemplatesQuery, namespacesQuery } from '../../api/queries'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { useStartInvestigation } from './InvestigateButton'
import styles from './Form.module.css'

interface StartDialogProps {
  cluster: string | undefined
  onClose: () => void
}

/** A question, and where to look. */
export function StartDialog({ cluster, onClose }: StartDialogProps) {
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const [question, setQuestion] = useState('')
  const [chosen, setChosen] = useState(cluster ?? '')
  const [namespace, setNamespace] = useState('')
  const [target, setTarget] = useState('')
  const [template, setTemplate] = useState('')
  const start = useStartInvestigation()
  const where = chosen || (clusters[0]?.id ?? '')
  const templates = useQuery(investigationTemplatesQuery()).data?.items ?? []
  const namespaces = useQuery({ ...namespacesQuery(where), enabled: where !== '' }).data ?? []
  const about = templates.find((one) => one.id === template)?.about
  const submit = (event: FormEvent) => {
    event.preventDefault()
    start.mutate({
      cluster: where,
      question: question.trim(),
      namespace,
      target: target.trim() || null,
      template,
    })
  }
  return (
    <Modal
      open
      onClose={onClose}
      title="Investigate"
      description="What is wrong, and where? Reading changes nothing."
    >
      <form className={styles.form} onSubmit={submit}>
        <TextField
          label="Question"
          placeholder="Why does checkout fail?"
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
          maxLength={2000}
          required
          autoFocus
        />
        <div className={styles.pair}>
          <SelectField
            label="Cluster"
            value={where}
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
            <option value="">All, or as the question says</option>
            {namespaces.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </SelectField>
        </div>
        <TextField
          label="Object"
          placeholder="deployment shop/checkout"
          hint="May be left out: names in the question are understood."
          value={target}
          onChange={(event) => setTarget(event.target.value)}
          maxLength={400}
        />
        <SelectField
          label="Template"
          hint={about}
          value={template}
          onChange={(event) => setTemplate(event.target.value)}
        >
          <option value="">Chosen by the question</option>
          {templates.map((one) => (
            <option key={one.id} value={one.id}>
              {one.title}
            </option>
          ))}
        </SelectField>
        {start.isError && <ErrorNotice error={start.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={start.isPending || !question.trim() || !where}>
            {start.isPending ? 'Starting…' : 'Investigate'}
          </Button>
        </div>
      </form>
    </Modal>
  )
}
