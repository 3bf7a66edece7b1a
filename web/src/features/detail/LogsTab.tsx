import { useEffect, useRef, useState } from 'react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { logsQuery } from '../../api/queries'
import type { LogLine, Logs, ResourceRef } from '../../api/types'
import { count } from '../../kinds/format'
import { ToolbarSelect } from '../../ui/Field'
import { EmptyState, ErrorNotice, GapsNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { levelOfContainer, neverRan, stateWords, type Container } from './containers'
import styles from './LogsTab.module.css'

const FOLLOW_MS = 3_000
const TYPING_MS = 300
const LINE_PX = 19
const TAILS = [200, 500, 2000, 5000]

interface LogsTabProps {
  cluster: string
  /** Of a pod, with their states; empty for a workload, whose pods' logs are merged. */
  known: Container[]
  resource: ResourceRef
  previous: boolean
  onPrevious: (previous: boolean) => void
}

/** The last lines of a container's log: which container, of which run, with which text in them. */
export function LogsTab({ cluster, known, resource, previous, onPrevious }: LogsTabProps) {
  const [container, setContainer] = useState<string>()
  const [tail, setTail] = useState(500)
  const [grep, setGrep] = useState('')
  const [follow, setFollow] = useState(false)
  const pattern = usePause(grep)
  const chosen = known.find(({ name }) => name === container) ?? firstToRead(known)
  const silent = chosen !== undefined && neverRan(chosen)
  const logs = useQuery({
    ...logsQuery(cluster, resource, { container: container ?? chosen?.name, previous, tail, grep: pattern }),
    enabled: !silent,
    placeholderData: keepPreviousData,
    refetchInterval: follow ? FOLLOW_MS : false,
  })
  const data = logs.data
  return (
    <div className={styles.logs}>
      <div className={styles.bar}>
        <ToolbarSelect
          label="Container"
          value={chosen?.name ?? container ?? data?.container ?? ''}
          onChange={(event) => setContainer(event.target.value)}
        >
          {(known.length > 0 ? known.map(({ name }) => name) : (data?.containers ?? [])).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </ToolbarSelect>
        <ToolbarSelect label="Lines" value={tail} onChange={(event) => setTail(Number(event.target.value))}>
          {TAILS.map((lines) => (
            <option key={lines} value={lines}>
              Last {count(lines)}
            </option>
          ))}
        </ToolbarSelect>
        <input
          className={styles.grep}
          value={grep}
          onChange={(event) => setGrep(event.target.value)}
          placeholder="Only lines with…"
          aria-label="Only lines with"
          spellCheck={false}
        />
        <label className={styles.check}>
          <input type="checkbox" checked={previous} onChange={(event) => onPrevious(event.target.checked)} />{' '}
          Previous
        </label>
        <label className={styles.check}>
          <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.target.checked)} />{' '}
          Follow
        </label>
      </div>
      {silent && (
        <EmptyState title={`${chosen.name} has never run`}>
          <p>{stateWords(chosen.state)}</p>
          {chosen.state?.message && <p>{chosen.state.message}</p>}
        </EmptyState>
      )}
      {!silent && logs.isError && (
        <div className={styles.notice}>
          <ErrorNotice
            error={logs.error}
            title="The log could not be read"
            onRetry={() => void logs.refetch()}
          />
        </div>
      )}
      {!silent && logs.isPending && <SkeletonRows count={12} />}
      {!silent && data && !logs.isError && (
        <LogBody logs={data} grep={pattern} follow={follow} resource={resource} />
      )}
    </div>
  )
}

/** The container whose log is read first: one that fails and has run, else the first that is no init container. */
function firstToRead(known: Container[]): Container | undefined {
  return (
    known.find((container) => levelOfContainer(container) === 'crit' && !neverRan(container)) ??
    known.find((container) => !container.init) ??
    known[0]
  )
}

function LogBody({
  logs,
  grep,
  follow,
  resource,
}: {
  logs: Logs
  grep: string
  follow: boolean
  resource: ResourceRef
}) {
  if (logs.lines.length === 0) {
    return (
      <>
        <GapsNotice gaps={logs.gaps} />
        <EmptyState title={grep ? `No line has “${grep}”` : 'No log lines'}>
          <p>
            {logs.previous
              ? 'There is no previous run of this container, or its log is gone.'
              : 'The container has written nothing, or its log was not kept.'}
          </p>
        </EmptyState>
      </>
    )
  }
  return (
    <>
      <p className={styles.facts}>
        {count(logs.lines.length)} of {count(logs.total_lines)} lines
        {logs.truncated && ', cut to the newest'}
        {logs.previous && ', previous run'}
      </p>
      <LogLines lines={logs.lines} follow={follow} label={`Log of ${resource.name}`} />
    </>
  )
}

function LogLines({ lines, follow, label }: { lines: LogLine[]; follow: boolean; label: string }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  })
  const last = lines.at(-1)?.n
  useEffect(() => {
    // The newest line is what is read first, on opening and while following.
    virtual.scrollToIndex(lines.length - 1)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [last, follow])
  const items = virtual.getVirtualItems()
  return (
    <div ref={scroller} className={styles.scroll} tabIndex={0} role="log" aria-label={label} aria-live="off">
      <div className={styles.body} style={{ height: virtual.getTotalSize() }}>
        <div className={styles.window} style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
          {items.map(({ index }) => {
            const line = lines[index]
            return (
              line && (
                <div key={`${line.pod ?? ''}/${line.n}`} className={`${styles.line} ${lineClass(line)}`}>
                  <span className={styles.number}>{line.n}</span>
                  {line.pod && <span className={styles.pod}>{line.pod}</span>}
                  {line.text}
                </div>
              )
            )
          })}
        </div>
      </div>
    </div>
  )
}

function lineClass(line: LogLine): string {
  const level = line.level?.toLowerCase() ?? ''
  if (/^(err|error|fatal|panic|crit|critical)$/.test(level)) {
    return styles.error ?? ''
  }
  return /^warn(ing)?$/.test(level) ? (styles.warning ?? '') : ''
}

/** The value once it has not changed for a moment. */
function usePause(value: string): string {
  const [paused, setPaused] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), TYPING_MS)
    return () => clearTimeout(timer)
  }, [value])
  return paused
}
