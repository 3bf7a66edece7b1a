import { lazy, Suspense, useEffect, useState } from 'react'
import { Outlet, useNavigate, useParams, useRouter, useSearch } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { clustersQuery, meQuery } from '../api/queries'
import { useMay } from '../api/roles'
import { asApiError } from '../api/errors'
import { startCluster } from '../features/demo/simulated'
import { SignInPage } from './SignInPage'
import { SideNav } from './SideNav'
import { TopBar } from './TopBar'
import { rememberCluster, rememberedCluster, useLayout } from './layout'
import { useShortcut } from './shortcuts'
import { NEXT_THEME, useTheme } from './theme'
import styles from './Shell.module.css'

const loadAssistant = () => import('../features/assistant/AssistantPanel')
const AssistantPanel = lazy(() => loadAssistant().then((module) => ({ default: module.AssistantPanel })))
const AddClusterDialog = lazy(() =>
  import('../features/clusters/AddClusterDialog').then((module) => ({ default: module.AddClusterDialog })),
)
const CheatSheet = lazy(() => import('./CheatSheet').then((module) => ({ default: module.CheatSheet })))
const EvidencePanel = lazy(() =>
  import('../features/evidence/EvidencePanel').then((module) => ({ default: module.EvidencePanel })),
)

/** The frame around every page: navigation, top bar, the docked assistant, and the panels that open over a page. */
export function Shell() {
  const cluster = useCurrentCluster()
  const { evidence } = useSearch({ strict: false })
  const layout = useLayout()
  const me = useQuery(meQuery())
  const assistantSeen = useSeen(layout.assistantOpen)
  useFrameShortcuts(cluster)
  useIdlePrefetch()
  const { cluster: addressed } = useParams({ strict: false })
  useEffect(() => {
    if (addressed) {
      rememberCluster(addressed)
    }
  }, [addressed])

  if (me.isError && asApiError(me.error).status === 401) {
    return <SignInPage error={me.error} onRetry={() => void me.refetch()} />
  }
  return (
    <div
      className={styles.frame}
      style={
        {
          '--assistant-width': layout.assistantOpen ? `${layout.assistantWidth}px` : '0px',
        } as React.CSSProperties
      }
    >
      <a className={styles.skip} href="#page">
        Skip to the page
      </a>
      <TopBar cluster={cluster} me={me.data} />
      <SideNav cluster={cluster} />
      <main id="page" className={styles.page} tabIndex={-1}>
        <Outlet />
      </main>
      {assistantSeen && (
        <div className={styles.assistant} hidden={!layout.assistantOpen}>
          <Suspense fallback={null}>
            <AssistantPanel cluster={cluster} />
          </Suspense>
        </div>
      )}
      <Suspense fallback={null}>
        {evidence && <EvidencePanel id={evidence} cluster={cluster} />}
        {layout.addClusterOpen && <AddClusterDialog onClose={() => layout.set({ addClusterOpen: false })} />}
        {layout.helpOpen && <CheatSheet onClose={() => layout.set({ helpOpen: false })} />}
      </Suspense>
    </div>
  )
}

/** The cluster of the address; on pages of no cluster the one that was open last, so that the navigation stays. */
function useCurrentCluster(): string | undefined {
  const { cluster } = useParams({ strict: false })
  const clusters = useQuery(clustersQuery())
  const last = rememberedCluster()
  const items = clusters.data?.items ?? []
  return cluster ?? startCluster(items, last)?.id
}

function useFrameShortcuts(cluster: string | undefined): void {
  const layout = useLayout()
  const theme = useTheme()
  const navigate = useNavigate()
  const { history } = useRouter()
  const inCluster = cluster !== undefined
  const mayReadAudit = useMay('audit:read')
  const goList = (kind: string) => {
    if (cluster) {
      void navigate({ to: '/c/$cluster/k/$kind', params: { cluster, kind } })
    }
  }
  useShortcut('assistant', () => layout.set({ assistantOpen: !layout.assistantOpen }))
  useShortcut('command', () => layout.openAssistant(':'))
  useShortcut('clusters', () => layout.set({ clusterMenuOpen: true }))
  useShortcut('help', () => layout.set({ helpOpen: true }))
  useShortcut('theme', () => theme.choose(NEXT_THEME[theme.choice]))
  useShortcut('back', () => history.back())
  useShortcut('forward', () => history.forward())
  useShortcut(
    'goOverview',
    () => cluster && void navigate({ to: '/c/$cluster', params: { cluster } }),
    inCluster,
  )
  useShortcut(
    'goProblems',
    () => cluster && void navigate({ to: '/c/$cluster/problems', params: { cluster } }),
    inCluster,
  )
  useShortcut('goInvestigations', () => void navigate({ to: '/investigations', search: { cluster } }))
  useShortcut('goChanges', () => void navigate({ to: '/changes' }))
  useShortcut('goPlaybooks', () => void navigate({ to: '/playbooks' }))
  useShortcut('goPolicies', () => void navigate({ to: '/policies' }))
  useShortcut('goAudit', () => void navigate({ to: '/audit' }), mayReadAudit)
  useShortcut('goPods', () => goList('Pod'), inCluster)
  useShortcut('goDeployments', () => goList('Deployment'), inCluster)
  useShortcut('goNodes', () => goList('Node'), inCluster)
  useShortcut('goEvents', () => goList('Event'), inCluster)
}

/** True from the first time `value` was true: the assistant is built once and then kept, with its draft and scroll. */
function useSeen(value: boolean): boolean {
  const [seen, setSeen] = useState(value)
  if (value && !seen) {
    setSeen(true)
  }
  return seen
}

/** Fetches the assistant's code while nothing else happens, so that its first opening is immediate. */
function useIdlePrefetch(): void {
  useEffect(() => {
    const idle = window.requestIdleCallback ?? ((run: () => void) => window.setTimeout(run, 2_000))
    const cancel = window.cancelIdleCallback ?? window.clearTimeout
    const handle = idle(() => void loadAssistant())
    return () => cancel(handle)
  }, [])
}
