import { useQuery } from '@tanstack/react-query'
import { usageQuery } from '../../api/queries'
import type { UsageCounter } from '../../api/types'
import { count } from '../../kinds/format'
import { Card } from '../../ui/Card'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { Table, type TableColumn } from '../../ui/Table'
import { costWords } from './words'
import styles from './ModelsPage.module.css'

const COLUMNS: TableColumn<UsageCounter>[] = [
  { key: 'who', title: 'Who or when', cell: (row) => row.user ?? row.period },
  { key: 'calls', title: 'Calls', numeric: true, cell: (row) => count(row.calls) },
  { key: 'failed', title: 'Failed', numeric: true, cell: (row) => count(row.failed) },
  {
    key: 'tokens',
    title: 'Tokens in / out',
    numeric: true,
    cell: (row) => `${count(row.input_tokens)} / ${count(row.output_tokens)}`,
  },
  { key: 'cost', title: 'Cost', cell: (row) => costWords(row) },
]

/** What this month's calls used: in all, by person, by day. */
export function UsageCard() {
  const usage = useQuery(usageQuery())
  const data = usage.data
  return (
    <Card title="Use this month">
      {usage.isPending && <SkeletonRows count={3} />}
      {usage.isError && <ErrorNotice error={usage.error} onRetry={() => void usage.refetch()} />}
      {data && data.total.calls === 0 && <p className={styles.note}>No model was asked in {data.month}.</p>}
      {data && data.total.calls > 0 && (
        <>
          <Table
            label={`Use in ${data.month}`}
            columns={COLUMNS}
            rows={[data.total, ...data.users, ...data.days]}
            rowKey={(row) => `${row.period}/${row.user ?? ''}`}
          />
          <p className={styles.note}>
            List prices of {data.prices.as_of} ({data.prices.source}). Times are UTC.
          </p>
        </>
      )}
    </Card>
  )
}
