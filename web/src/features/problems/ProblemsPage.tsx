import { useEffect, useMemo, useRef } from 'react'
import { getRouteApi } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { overviewQuery, problemsQuery } from '../../api/queries'
import type { Problem } from '../../api/types'
import { useShortcut } from '../../app/shortcuts'
import { age, probability } from '../../kinds/format'
import { Button, IconButton } from '../../ui/Button'
import { ToolbarSelect } from '../../ui/Field'
import { Freshness } from '../../ui/Freshness'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { SeverityChip } from '../../ui/Status'
import { matching, namespacesOf, problemKey, worstFirst } from './order'
import { ProblemDetail } from './ProblemDetail'
import styles from './ProblemsPage.module.css'

const route = getRouteApi('/c/$cluster/problems')

/** The whole list of problems, worst first, with the selected one beside it. */
export function ProblemsPage() {
  const { cluster } = route.useParams()
  const filter = route.useSearch()
  const navigate = route.useNavigate()
  const problems = useQuery(problemsQuery(cluster))
  const overview = useQuery(overviewQuery(cluster))
  const all = useMemo(() => worstFirst(problems.data?.items ?? []), [problems.data])
  const shown = matching(all, filter)
  const selected = all.find((problem) => problemKey(problem) === filter.problem)
  const asOf = problems.data?.as_of
  const now = asOf ? Date.parse(asOf) : Date.now()
  const change = (next: Partial<typeof filter>) =>
    void navigate({ search: (previous) => ({ ...previous, ...next }), replace: true })
  const close = () => change({ problem: undefined })
  useShortcut('close', close, selected !== undefined)

  return (
    <div className={styles.page} data-open={selected !== undefined}>
      <div className={styles.main}>
        <PageHeader
          title="Problems"
          facts={
            <Freshness
              asOf={asOf}
              recorded={overview.data?.cluster.source === 'recorded'}
              failing={problems.isError && problems.data !== undefined}
            />
          }
        >
          <ToolbarSelect
            label="Severity"
            value={filter.severity ?? ''}
            onChange={(event) => change({ severity: event.target.value || undefined })}
          >
            <option value="">All severities</option>
            <option value="critical">Critical</option>
            <option value="warning">Warning</option>
            <option value="info">Info</option>
          </ToolbarSelect>
          <ToolbarSelect
            label="Namespace"
            value={filter.namespace ?? ''}
            onChange={(event) => change({ namespace: event.target.value || undefined })}
          >
            <option value="">All namespaces</option>
            {namespacesOf(all).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </ToolbarSelect>
        </PageHeader>
        {problems.isError && (
          <ErrorNotice
            error={problems.error}
            title={problems.data ? 'Newer problems could not be read; below is the last answer' : undefined}
            onRetry={() => void problems.refetch()}
          />
        )}
        <GapsNotice
          gaps={problems.data?.gaps}
          what="A problem may be missed where something could not be read"
        />
        {problems.isPending && <SkeletonRows count={10} />}
        {problems.data && shown.length === 0 && (
          <NoProblems
            outcome={problems.data.outcome}
            filtered={all.length > 0}
            onClear={() => change({ namespace: undefined, severity: undefined })}
          />
        )}
        {shown.length > 0 && (
          <ProblemList
            problems={shown}
            selected={selected}
            now={now}
            onSelect={(problem) => change({ problem: problemKey(problem) })}
          />
        )}
      </div>
      {selected && (
        <aside className={styles.side} aria-label="Problem">
          <IconButton
            className={styles.close}
            icon="close"
            label="Close the problem"
            shortcut="Esc"
            onClick={close}
          />
          <ProblemDetail problem={selected} cluster={cluster} now={now} />
        </aside>
      )}
    </div>
  )
}

interface ProblemListProps {
  problems: Problem[]
  selected: Problem | undefined
  now: number
  onSelect: (problem: Problem) => void
}

function ProblemList({ problems, selected, now, onSelect }: ProblemListProps) {
  const current = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no clean-up.
    current.current?.scrollIntoView?.({ block: 'nearest' })
  }, [selected])
  return (
    <ul className={styles.list} aria-label={`${problems.length} problems`}>
      {problems.map((problem) => (
        <li key={problemKey(problem)}>
          <button
            type="button"
            ref={problem === selected ? current : undefined}
            className={styles.row}
            aria-pressed={problem === selected}
            onClick={() => onSelect(problem)}
          >
            <SeverityChip severity={problem.severity} />
            <span className={styles.what}>
              <span className={styles.title}>{problem.title}</span>
              <span className={styles.where}>
                {problem.resource.kind} {problem.resource.namespace ? `${problem.resource.namespace}/` : ''}
                {problem.resource.name}
              </span>
            </span>
            <span className={styles.number}>{problem.since ? age(problem.since, now) : ''}</span>
            <span className={styles.number}>{probability(problem.probability)}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

const OUTCOMES: Record<string, string> = {
  no_fault: 'Everything that was read is well.',
  insufficient_permission: 'Too little could be read to say that all is well.',
  insufficient_history: 'There is not yet enough history to say that all is well.',
}

function NoProblems({
  outcome,
  filtered,
  onClear,
}: {
  outcome: string
  filtered: boolean
  onClear: () => void
}) {
  if (filtered) {
    return (
      <EmptyState title="No problem matches the filter">
        <Button onClick={onClear}>Clear the filter</Button>
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No problems found">
      <p>{OUTCOMES[outcome] ?? outcome}</p>
    </EmptyState>
  )
}
