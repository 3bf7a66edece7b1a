import { useState, type FormEvent } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { judgeInvestigation } from '../../api/commands'
import { investigationQuery } from '../../api/queries'
import type { Hypothesis, Investigation, NewInvestigationFeedback } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { SelectField, TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/Notice'
import { VERDICT_WORDS } from './words'
import form from './Form.module.css'

type Verdict = NewInvestigationFeedback['verdict']

/** Was it right? What it really was teaches how sure the next diagnosis may be. */
export function FeedbackCard({ one }: { one: Investigation }) {
  const given = one.feedback
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const judge = useJudge(one.id, () => setVerdict(null))
  const choose = (next: Verdict) => (next === 'right' ? judge.mutate({ verdict: next }) : setVerdict(next))
  const shown = verdict ?? given?.verdict
  return (
    <Card title="Was this right?">
      <div className={form.form}>
        <div className={form.choices} role="group" aria-label="Verdict">
          {(Object.keys(VERDICT_WORDS) as Verdict[]).map((one) => (
            <Button
              key={one}
              icon={shown === one ? 'check' : undefined}
              aria-pressed={shown === one}
              disabled={judge.isPending}
              onClick={() => choose(one)}
            >
              {VERDICT_WORDS[one]}
            </Button>
          ))}
        </div>
        {verdict && (
          <TrueCause
            key={verdict}
            hypotheses={one.hypotheses.filter((h) => verdict !== 'wrong' || h.status === 'refuted')}
            saving={judge.isPending}
            onSave={(cause) => judge.mutate({ verdict, ...cause })}
            onCancel={() => setVerdict(null)}
          />
        )}
        {judge.isError && <ErrorNotice error={judge.error} />}
        {given && !verdict && (
          <p role="status">
            {given.by} said: {VERDICT_WORDS[given.verdict].toLowerCase()}
            {given.cause && `. It was: ${given.cause}`}, {clockTime(given.at)}.
          </p>
        )}
      </div>
    </Card>
  )
}

function useJudge(id: string, onSuccess: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (said: Partial<NewInvestigationFeedback>) => judgeInvestigation(id, said),
    onSuccess: (judged) => {
      queries.setQueryData(investigationQuery(id).queryKey, judged)
      onSuccess()
    },
  })
}

interface TrueCauseProps {
  hypotheses: Hypothesis[]
  saving: boolean
  onSave: (cause: Pick<Partial<NewInvestigationFeedback>, 'cause' | 'mode' | 'resource'>) => void
  onCancel: () => void
}

/** What it really was: one of the hypotheses, or in words. */
function TrueCause({ hypotheses, saving, onSave, onCancel }: TrueCauseProps) {
  const [chosen, setChosen] = useState('')
  const [text, setText] = useState('')
  const hypothesis = hypotheses.find(({ id }) => id === chosen)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSave({
      cause: text.trim() || (hypothesis?.title ?? ''),
      ...(hypothesis && {
        mode: hypothesis.mode,
        resource: { ...hypothesis.resource, namespace: hypothesis.resource.namespace ?? '' },
      }),
    })
  }
  return (
    <form className={form.form} onSubmit={submit}>
      {hypotheses.length > 0 && (
        <SelectField label="It was" value={chosen} onChange={(event) => setChosen(event.target.value)}>
          <option value="">Something else</option>
          {hypotheses.map(({ id, title, resource }) => (
            <option key={id} value={id}>
              {title}: {resource.name}
            </option>
          ))}
        </SelectField>
      )}
      <TextField
        label="What it really was"
        value={text}
        maxLength={2000}
        autoFocus
        onChange={(event) => setText(event.target.value)}
      />
      <div className={form.actions}>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" tone="primary" disabled={saving}>
          Save
        </Button>
      </div>
    </form>
  )
}
