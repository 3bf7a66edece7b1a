import { useState } from 'react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { cancelFollowUp, checkInvestigation, planFollowUp } from '../../api/commands'
import { investigationQuery } from '../../api/queries'
import type { Investigation, NewFollowUp } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { ToolbarSelect } from '../../ui/Field'
import { ErrorNotice } from '../../ui/Notice'
import { LOOK_WORDS, RESOLUTION_WORDS } from './words'
import form from './Form.module.css'
import styles from './SideCards.module.css'

const PLANS: [string, Partial<NewFollowUp>][] = [
  ['in 10 minutes', { after: '10m' }],
  ['in 30 minutes', { after: '30m' }],
  ['in 2 hours', { after: '2h' }],
  ['tomorrow', { after: '1d' }],
  ['every hour for a day', { after: '1h', every: '1h', times: 24 }],
  ['every day for a week', { after: '1d', every: '1d', times: 7 }],
]

/** Is it fixed? Looks now or later whether the cause is still there, and closes or reopens by what it sees. */
export function FollowUpCard({ one }: { one: Investigation }) {
  const [plan, setPlan] = useState('1')
  const change = useChange(one.id)
  const follow = one.follow_up
  const looks = [...(follow?.rechecks ?? [])].reverse()
  return (
    <Card title="Is it fixed?" aside={RESOLUTION_WORDS[one.resolution]}>
      <div className={form.form}>
        <div className={form.choices}>
          <Button
            icon="eye"
            disabled={change.isPending}
            onClick={() => change.mutate(() => checkInvestigation(one.id))}
          >
            {change.isPending ? 'Looking…' : 'Look now'}
          </Button>
        </div>
        {follow?.due ? (
          <>
            <p>
              Looks again at {clockTime(follow.due)}
              {follow.left > 1 && `, and ${follow.left - 1} more times after that`}.
            </p>
            <div className={form.choices}>
              <Button disabled={change.isPending} onClick={() => change.mutate(() => cancelFollowUp(one.id))}>
                No more looks
              </Button>
            </div>
          </>
        ) : (
          <div className={form.choices}>
            <ToolbarSelect
              label="When to look"
              value={plan}
              onChange={(event) => setPlan(event.target.value)}
            >
              {PLANS.map(([words], index) => (
                <option key={words} value={index}>
                  {words}
                </option>
              ))}
            </ToolbarSelect>
            <Button
              disabled={change.isPending}
              onClick={() => change.mutate(() => planFollowUp(one.id, PLANS[Number(plan)]?.[1] ?? {}))}
            >
              Plan a look
            </Button>
          </div>
        )}
        {change.isError && <ErrorNotice error={change.error} />}
        {looks.length > 0 && (
          <ul className={styles.list} aria-label="Looks">
            {looks.map((look) => (
              <li key={look.at}>
                <strong>{LOOK_WORDS[look.result]}.</strong> {look.text}{' '}
                <span className={styles.quiet}>{clockTime(look.at)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  )
}

function useChange(id: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (command: () => Promise<Investigation>) => command(),
    onSuccess: (changed) => {
      queries.setQueryData(investigationQuery(id).queryKey, changed)
      void queries.invalidateQueries({ queryKey: ['investigations'] })
    },
  })
}
