import { Link } from '@tanstack/react-router'
import type { Capacity, Overview } from '../../api/types'
import { UsageMeter } from '../../charts/Meter'
import { ScoreRing } from '../../charts/ScoreRing'
import { StackBar } from '../../charts/StackBar'
import { age, bytes, cores, count, NONE } from '../../kinds/format'
import { refOf, ResourceLink } from '../../kinds/ResourceLink'
import { Card } from '../../ui/Card'
import { HealthScore, StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { podParts } from './podStatus'
import styles from './cards.module.css'

const HEALTHY = 80
const POOR = 50

/** Level of a bare score; the bounds are those of the health score itself. */
function levelOfScore(score: number) {
  return score >= HEALTHY ? 'ok' : score >= POOR ? 'warn' : 'crit'
}

export function HealthCard({ data }: { data: Overview }) {
  const { health } = data
  return (
    <Card title="Health" aside="measured, with its factors">
      <div className={styles.health}>
        <ScoreRing score={health.score} level={health.level} label="Health of the cluster" />
        <ul className={styles.factors}>
          {health.factors.map((factor) => (
            <li key={factor.name} title={factor.detail}>
              <span className={styles.factor}>{factor.name.replaceAll('_', ' ')}</span>
              <HealthScore
                health={{ score: factor.score, level: levelOfScore(factor.score), reasons: [factor.detail] }}
              />
              <span className={styles.detail}>{factor.detail}</span>
            </li>
          ))}
        </ul>
      </div>
    </Card>
  )
}

export function StateCard({ data }: { data: Overview }) {
  const { nodes, pods, usage, cluster } = data
  const total = Object.values(pods.by_status).reduce((sum, value) => sum + value, 0)
  return (
    <Card title="State">
      <div className={styles.state}>
        <div className={styles.block}>
          <p className={styles.line}>
            <Link to="/c/$cluster/k/$kind" params={{ cluster: cluster.id, kind: 'Pod' }}>
              {count(total)} pods
            </Link>
          </p>
          <StackBar label="Pods by status" parts={podParts(pods.by_status)} />
        </div>
        <div className={styles.block}>
          <p className={styles.line}>
            <Link to="/c/$cluster/k/$kind" params={{ cluster: cluster.id, kind: 'Node' }}>
              {count(nodes.total)} nodes
            </Link>
          </p>
          <StackBar
            label="Nodes"
            parts={[
              { name: 'not ready', value: nodes.total - nodes.ready, level: 'crit' as const },
              { name: 'ready', value: nodes.ready, level: 'ok' as const },
            ].filter((part) => part.value > 0)}
          />
          {nodes.not_ready.length > 0 && (
            <ul className={styles.names}>
              {nodes.not_ready.map((name) => (
                <li key={name}>
                  <ResourceLink cluster={cluster.id} resource={{ kind: 'Node', name }} />
                </li>
              ))}
            </ul>
          )}
        </div>
        <UsageLine label="CPU" usage={usage.cpu} unit={cores} />
        <UsageLine label="Memory" usage={usage.memory} unit={bytes} />
      </div>
    </Card>
  )
}

function UsageLine({
  label,
  usage,
  unit,
}: {
  label: string
  usage: Capacity
  unit: (value: number) => string
}) {
  const { allocatable, requested, used } = usage
  const share = (value: number | null) => (allocatable && value !== null ? value / allocatable : null)
  const said = (value: number | null, what: string) =>
    value === null ? `${what} not known` : `${unit(value)} ${what}`
  const text = `${said(used, 'used')}, ${said(requested, 'requested')}${allocatable ? ` of ${unit(allocatable)}` : ''}`
  return <UsageMeter label={label} requested={share(requested) ?? 0} used={share(used)} text={text} />
}

export function NamespacesCard({ data }: { data: Overview }) {
  const cluster = data.cluster.id
  return (
    <Card title="Namespaces" aside={count(data.namespaces.length)} flush>
      <Table
        label="Namespaces"
        rows={data.namespaces}
        rowKey={(row) => row.name}
        columns={[
          {
            key: 'name',
            title: 'Name',
            cell: (row) => (
              <Link
                className="mono"
                to="/c/$cluster/k/$kind"
                params={{ cluster, kind: 'Pod' }}
                search={{ namespace: row.name }}
                preload={false}
              >
                {row.name}
              </Link>
            ),
          },
          { key: 'pods', title: 'Pods', numeric: true, cell: (row) => count(row.pods) },
          {
            key: 'problems',
            title: 'Problems',
            numeric: true,
            cell: (row) =>
              row.problems ? (
                <Link
                  to="/c/$cluster/problems"
                  params={{ cluster }}
                  search={{ namespace: row.name }}
                  preload={false}
                >
                  {row.problems}
                </Link>
              ) : (
                <span className={styles.none}>0</span>
              ),
          },
          {
            key: 'health',
            title: 'Health',
            cell: (row) => <StatusWord level={row.health} />,
          },
        ]}
      />
    </Card>
  )
}

export function WarningsCard({ data, now }: { data: Overview; now: number }) {
  const cluster = data.cluster.id
  return (
    <Card title="Warning events" aside="grouped by reason" flush>
      {data.warnings.length === 0 ? (
        <p className={styles.quiet}>No warning events.</p>
      ) : (
        <Table
          label="Warning events"
          rows={data.warnings}
          rowKey={(row, index) => `${row.reason}/${index}`}
          columns={[
            {
              key: 'reason',
              title: 'Reason',
              cell: (row) => <span className={styles.reason}>{row.reason}</span>,
            },
            { key: 'count', title: 'Count', numeric: true, cell: (row) => count(row.count) },
            {
              key: 'last',
              title: 'Last',
              numeric: true,
              cell: (row) => (row.last ? age(row.last, now) : NONE),
            },
            {
              key: 'example',
              title: 'Example',
              cell: (row) => (
                <div className={styles.example}>
                  <ResourceLink cluster={cluster} resource={refOf(row.resource)} />
                  <span title={row.example}>{row.example}</span>
                </div>
              ),
            },
          ]}
        />
      )}
    </Card>
  )
}
