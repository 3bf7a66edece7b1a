import { useState, type FormEvent } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { setBudgets } from '../../api/commands'
import { budgetsQuery } from '../../api/queries'
import type { Budget, NewBudget } from '../../api/types'
import { count } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import form from '../investigations/Form.module.css'
import { dollars } from './words'
import styles from './ModelsPage.module.css'

const LIMITS = [
  { scope: 'tenant', period: 'month', title: 'All, a month' },
  { scope: 'tenant', period: 'day', title: 'All, a day' },
  { scope: 'user', period: 'month', title: 'Each person, a month' },
  { scope: 'user', period: 'day', title: 'Each person, a day' },
] as const

/** Limits in dollars and tokens. An empty field is no limit. */
export function BudgetsCard({ mayChange }: { mayChange: boolean }) {
  const budgets = useQuery(budgetsQuery())
  return (
    <Card title="Budgets">
      {budgets.isPending && <SkeletonRows count={3} />}
      {budgets.isError && <ErrorNotice error={budgets.error} onRetry={() => void budgets.refetch()} />}
      {budgets.data && <BudgetsForm items={budgets.data.items} mayChange={mayChange} />}
    </Card>
  )
}

type Typed = Record<string, { usd: string; tokens: string }>

function BudgetsForm({ items, mayChange }: { items: Budget[]; mayChange: boolean }) {
  const [typed, setTyped] = useState<Typed>(() => typedOf(items))
  const queries = useQueryClient()
  const save = useMutation({
    mutationFn: () => setBudgets(budgetsOf(typed)),
    onSuccess: () => queries.invalidateQueries({ queryKey: budgetsQuery().queryKey }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form className={form.form} onSubmit={submit}>
      <p className={styles.note}>
        A call that could pass a limit is not made, and the answer without a model stands. At 80 % the audit
        log notes it.
      </p>
      {LIMITS.map(({ scope, period, title }) => {
        const key = `${scope}/${period}`
        const known = items.find((item) => item.scope === scope && item.period === period)
        const fields = typed[key] ?? { usd: '', tokens: '' }
        const change = (next: Partial<typeof fields>) => setTyped({ ...typed, [key]: { ...fields, ...next } })
        return (
          <div key={key} className={form.pair}>
            <TextField
              label={`${title}: dollars`}
              type="number"
              min={0}
              step="any"
              value={fields.usd}
              disabled={!mayChange}
              onChange={(event) => change({ usd: event.target.value })}
              hint={usedWords(known?.used_usd, dollars)}
            />
            <TextField
              label={`${title}: tokens`}
              type="number"
              min={0}
              step={1}
              value={fields.tokens}
              disabled={!mayChange}
              onChange={(event) => change({ tokens: event.target.value })}
              hint={usedWords(known?.used_tokens, count)}
            />
          </div>
        )
      })}
      {save.isError && <ErrorNotice error={save.error} />}
      {mayChange && (
        <div className={form.actions}>
          {save.isSuccess && <span role="status">Saved.</span>}
          <Button type="submit" tone="primary" disabled={save.isPending}>
            Save the budgets
          </Button>
        </div>
      )}
    </form>
  )
}

function typedOf(items: Budget[]): Typed {
  return Object.fromEntries(
    items.map((item) => [
      `${item.scope}/${item.period}`,
      { usd: item.usd?.toString() ?? '', tokens: item.tokens?.toString() ?? '' },
    ]),
  )
}

/** The limits that were typed; a row with two empty fields is no budget. */
function budgetsOf(typed: Typed): NewBudget[] {
  return LIMITS.map(({ scope, period }) => {
    const { usd = '', tokens = '' } = typed[`${scope}/${period}`] ?? {}
    return {
      scope,
      period,
      usd: usd === '' ? null : Number(usd),
      tokens: tokens === '' ? null : Number(tokens),
    }
  }).filter(({ usd, tokens }) => usd !== null || tokens !== null)
}

function usedWords(used: number | null | undefined, words: (value: number) => string): string | undefined {
  return typeof used === 'number' ? `${words(used)} used so far` : undefined
}
