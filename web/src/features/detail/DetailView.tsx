import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { detailQuery, overviewQuery } from '../../api/queries'
import type { Detail, ResourceRef } from '../../api/types'
import { useLayout } from '../../app/layout'
import { useShortcut } from '../../app/shortcuts'
import { useKinds } from '../../kinds/registry'
import { Button, IconButton } from '../../ui/Button'
import { Freshness } from '../../ui/Freshness'
import { Icon } from '../../ui/Icon'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { HealthScore, StatusWord } from '../../ui/Status'
import { Tabs, type TabEntry } from '../../ui/Tabs'
import { ActionMenu } from '../changes/ActionMenu'
import { InvestigateButton } from '../investigations/InvestigateButton'
import { withState, type Container } from './containers'
import { EventsTab } from './EventsTab'
import { LogsTab } from './LogsTab'
import { RelatedTab } from './RelatedTab'
import { SummaryTab } from './SummaryTab'
import { YamlTab } from './YamlTab'
import styles from './DetailView.module.css'

interface DetailViewProps {
  cluster: string
  resource: ResourceRef
  tab: string | undefined
  onTab: (tab: string | undefined) => void
  /** Given in a side panel, not on a page of its own. */
  onClose?: () => void
}

/** One object of any kind: what is wrong with it first, then its facts, YAML, events, logs and relations. */
export function DetailView({ cluster, resource, tab, onTab, onClose }: DetailViewProps) {
  const detail = useQuery(detailQuery(cluster, resource))
  const kind = useKinds().find(resource.kind)
  const hasLogs = kind?.has_logs ?? false
  const show = (next: string) => onTab(next === 'summary' ? undefined : next)
  useShortcut('describe', () => show('summary'))
  useShortcut('yaml', () => show('yaml'))
  useShortcut('events', () => show('events'))
  useShortcut('logs', () => show('logs'), hasLogs)
  useShortcut('previousLogs', () => show('previous-logs'), hasLogs)
  useShortcut('close', () => onClose?.(), onClose !== undefined)

  return (
    <div className={styles.view}>
      <DetailHeader
        cluster={cluster}
        resource={resource}
        detail={detail.data}
        failing={detail.isError}
        onClose={onClose}
      />
      {detail.isError && (
        <div className={styles.notice}>
          <ErrorNotice
            error={detail.error}
            title={detail.data ? 'Newer data could not be read; below is the last answer' : undefined}
            onRetry={() => void detail.refetch()}
          />
        </div>
      )}
      {detail.isPending && <SkeletonRows count={12} label={`Loading ${resource.name}`} />}
      {detail.data && (
        <Tabs
          label={`${resource.kind} ${resource.name}`}
          value={tab === 'previous-logs' ? 'logs' : (tab ?? 'summary')}
          onChange={show}
          tabs={tabsOf(cluster, detail.data, hasLogs, tab, show)}
        />
      )}
    </div>
  )
}

function tabsOf(
  cluster: string,
  detail: Detail,
  hasLogs: boolean,
  tab: string | undefined,
  show: (tab: string) => void,
): TabEntry[] {
  const { resource } = detail
  return [
    {
      value: 'summary',
      title: 'Summary',
      count: detail.problems.length,
      content: <SummaryTab cluster={cluster} detail={detail} />,
    },
    { value: 'yaml', title: 'YAML', content: <YamlTab cluster={cluster} resource={resource} /> },
    {
      value: 'events',
      title: 'Events',
      content: <EventsTab cluster={cluster} resource={resource} asOf={detail.as_of} />,
    },
    ...(hasLogs
      ? [
          {
            value: 'logs',
            title: 'Logs',
            content: (
              <LogsTab
                cluster={cluster}
                known={withState((detail.containers ?? []) as unknown as Container[])}
                resource={resource}
                previous={tab === 'previous-logs'}
                onPrevious={(previous) => show(previous ? 'previous-logs' : 'logs')}
              />
            ),
          },
        ]
      : []),
    { value: 'related', title: 'Related', content: <RelatedTab cluster={cluster} resource={resource} /> },
  ]
}

interface DetailHeaderProps {
  cluster: string
  resource: ResourceRef
  detail: Detail | undefined
  failing: boolean
  onClose?: () => void
}

function DetailHeader({ cluster, resource, detail, failing, onClose }: DetailHeaderProps) {
  const overview = useQuery(overviewQuery(cluster))
  const ask = useLayout((layout) => layout.ask)
  const { kind, namespace, name } = resource
  const Heading = onClose ? 'h2' : 'h1'
  return (
    <header className={styles.header}>
      <div className={styles.path}>
        <Link
          to="/c/$cluster/k/$kind"
          params={{ cluster, kind }}
          search={{ namespace: namespace ?? undefined }}
        >
          {kind}
        </Link>
        {namespace && (
          <>
            <Icon name="chevronRight" size={11} />
            <span>{namespace}</span>
          </>
        )}
        <span className={styles.space} />
        <Freshness
          asOf={detail?.as_of}
          recorded={overview.data?.cluster.source === 'recorded'}
          failing={failing && detail !== undefined}
        />
        <Button
          tone="quiet"
          icon="spark"
          onClick={() =>
            ask(detail?.row.status.level === 'ok' ? `show ${kind} ${name}` : `why is ${name} failing?`)
          }
        >
          Ask
        </Button>
        <InvestigateButton
          tone="quiet"
          asked={{
            cluster,
            question: `What is wrong with ${kind} ${name}?`,
            target: { kind, name, namespace: namespace ?? '' },
          }}
        />
        {detail && <ActionMenu cluster={cluster} resource={detail.resource} />}
        {onClose && (
          <>
            <Link
              className={styles.expand}
              to="/c/$cluster/k/$kind/$namespace/$name"
              params={{ cluster, kind, namespace: namespace || '-', name }}
              aria-label="Open on a page of its own"
              title="Open on a page of its own"
            >
              <Icon name="expand" />
            </Link>
            <IconButton icon="close" label="Close" shortcut="Esc" onClick={onClose} />
          </>
        )}
      </div>
      <div className={styles.title}>
        <Heading className={styles.name}>{name}</Heading>
        {detail && (
          <>
            <StatusWord
              level={detail.row.status.level}
              word={detail.row.status.word}
              title={detail.row.status.reason}
            />
            {detail.row.health.score !== null && (
              <span className={styles.health}>
                Health <HealthScore health={detail.row.health} />
              </span>
            )}
          </>
        )}
      </div>
    </header>
  )
}
