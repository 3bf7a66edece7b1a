import type { ColumnType, Condition, Detail } from '../../api/types'
import { Cell, cellText } from '../../kinds/Cell'
import { age } from '../../kinds/format'
import { GapsNotice } from '../../ui/Notice'
import { StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { ProblemDetail } from '../problems/ProblemDetail'
import { ContainerList } from './ContainerList'
import type { Container } from './containers'
import styles from './SummaryTab.module.css'

/** What is wrong, then the facts, containers, conditions, labels and annotations. */
export function SummaryTab({ cluster, detail }: { cluster: string; detail: Detail }) {
  const now = detail.as_of ? Date.parse(detail.as_of) : Date.now()
  return (
    <div className={styles.summary}>
      {detail.problems.map((problem) => (
        <section key={problem.id} className={`${styles.problem} ${styles[problem.severity]}`}>
          <ProblemDetail problem={problem} cluster={cluster} now={now} />
        </section>
      ))}
      <GapsNotice gaps={detail.gaps} />
      <dl className={styles.facts}>
        {detail.summary.map((item) => (
          <div key={item.label}>
            <dt>{item.label}</dt>
            <dd title={cellText(item.type as ColumnType, item.value, now)}>
              <Cell type={item.type as ColumnType} value={item.value} now={now} />
            </dd>
          </div>
        ))}
      </dl>
      {detail.containers && detail.containers.length > 0 && (
        <section>
          <h2 className={styles.heading}>Containers</h2>
          <ContainerList containers={detail.containers as unknown as Container[]} />
        </section>
      )}
      {detail.conditions.length > 0 && <Conditions conditions={detail.conditions} now={now} />}
      <Pairs title="Labels" pairs={detail.labels} />
      <Pairs title="Annotations" pairs={detail.annotations} />
    </div>
  )
}

function Conditions({ conditions, now }: { conditions: Condition[]; now: number }) {
  return (
    <section>
      <h2 className={styles.heading}>Conditions</h2>
      <Table
        label="Conditions"
        rows={conditions}
        rowKey={(row) => row.type}
        columns={[
          { key: 'type', title: 'Type', cell: (row) => <StatusWord level={row.level} word={row.type} /> },
          { key: 'status', title: 'Status', cell: (row) => row.status },
          { key: 'since', title: 'Since', numeric: true, cell: (row) => age(row.since, now) },
          {
            key: 'reason',
            title: 'Reason',
            cell: (row) => (
              <span className={styles.reason}>
                {row.reason}
                {row.message && <span className={styles.message}>{row.message}</span>}
              </span>
            ),
          },
        ]}
      />
    </section>
  )
}

function Pairs({ title, pairs }: { title: string; pairs: Record<string, string> }) {
  const entries = Object.entries(pairs)
  if (entries.length === 0) {
    return null
  }
  return (
    <section>
      <h2 className={styles.heading}>{title}</h2>
      <ul className={styles.pairs}>
        {entries.map(([key, value]) => (
          <li key={key} className="mono">
            <span className={styles.key}>{key}</span>
            {value && `=${value}`}
          </li>
        ))}
      </ul>
    </section>
  )
}
