import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type ErrorComponentProps,
} from '@tanstack/react-router'
import { ErrorNotice } from '../ui/Notice'
import { NotFoundPage } from './NotFoundPage'
import { Shell } from './Shell'
import { HomePage } from './HomePage'
import { OverviewPage } from '../features/overview/OverviewPage'

/** Evidence opens over any page, so its id belongs to every address. */
interface RootSearch {
  evidence?: string
}

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFoundPage,
  validateSearch: (search): RootSearch => ({ evidence: text(search.evidence) }),
})

const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage })

const clusters = createRoute({
  getParentRoute: () => root,
  path: '/clusters',
  component: lazyRouteComponent(() => import('../features/clusters/ClustersPage'), 'ClustersPage'),
})

const overview = createRoute({ getParentRoute: () => root, path: '/c/$cluster', component: OverviewPage })

export interface ProblemsSearch {
  namespace?: string
  severity?: string
  problem?: string
}

const problems = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/problems',
  validateSearch: (search): ProblemsSearch => ({
    namespace: text(search.namespace),
    severity: text(search.severity),
    problem: text(search.problem),
  }),
  component: lazyRouteComponent(() => import('../features/problems/ProblemsPage'), 'ProblemsPage'),
})

export interface ListSearch {
  namespace?: string
  q?: string
  sort?: string
  group?: string
  /** Columns shown beyond or instead of the default ones: `+key,-key`. */
  columns?: string
  /** The object open in the side panel: `namespace/name`, or `/name` for cluster-scoped kinds. */
  open?: string
  tab?: string
}

const list = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/k/$kind',
  validateSearch: (search): ListSearch => ({
    namespace: text(search.namespace),
    q: text(search.q),
    sort: text(search.sort),
    group: text(search.group),
    columns: text(search.columns),
    open: text(search.open),
    tab: text(search.tab),
  }),
  component: lazyRouteComponent(() => import('../features/lists/ListPage'), 'ListPage'),
})

const detail = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/k/$kind/$namespace/$name',
  validateSearch: (search): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('../features/detail/DetailPage'), 'DetailPage'),
})

export interface InvestigationsSearch {
  q?: string
  cluster?: string
  status?: string
  outcome?: string
  resolution?: string
}

const investigations = createRoute({
  getParentRoute: () => root,
  path: '/investigations',
  validateSearch: (search): InvestigationsSearch => ({
    q: text(search.q),
    cluster: text(search.cluster),
    status: text(search.status),
    outcome: text(search.outcome),
    resolution: text(search.resolution),
  }),
  component: lazyRouteComponent(
    () => import('../features/investigations/InvestigationsPage'),
    'InvestigationsPage',
  ),
})

const investigation = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/investigations/$investigation',
  component: lazyRouteComponent(
    () => import('../features/investigations/InvestigationPage'),
    'InvestigationPage',
  ),
})

export interface ChangesSearch {
  cluster?: string
  status?: string
}

const changes = createRoute({
  getParentRoute: () => root,
  path: '/changes',
  validateSearch: (search): ChangesSearch => ({ cluster: text(search.cluster), status: text(search.status) }),
  component: lazyRouteComponent(() => import('../features/changes/ChangesPage'), 'ChangesPage'),
})

const change = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/changes/$change',
  component: lazyRouteComponent(() => import('../features/changes/ChangePage'), 'ChangePage'),
})

export interface PlaybooksSearch {
  tab?: string
}

const playbooks = createRoute({
  getParentRoute: () => root,
  path: '/playbooks',
  validateSearch: (search): PlaybooksSearch => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import('../features/playbooks/PlaybooksPage'), 'PlaybooksPage'),
})

const run = createRoute({
  getParentRoute: () => root,
  path: '/c/$cluster/runs/$run',
  component: lazyRouteComponent(() => import('../features/playbooks/RunPage'), 'RunPage'),
})

export interface AuditSearch {
  actor?: string
  action?: string
  cluster?: string
  text?: string
  from?: string
  to?: string
}

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (search): AuditSearch => ({
    actor: text(search.actor),
    action: text(search.action),
    cluster: text(search.cluster),
    text: text(search.text),
    from: text(search.from),
    to: text(search.to),
  }),
  component: lazyRouteComponent(() => import('../features/audit/AuditPage'), 'AuditPage'),
})

const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  component: lazyRouteComponent(() => import('../features/governance/PoliciesPage'), 'PoliciesPage'),
})

const autonomy = createRoute({
  getParentRoute: () => root,
  path: '/autonomy',
  component: lazyRouteComponent(() => import('../features/governance/AutonomyPage'), 'AutonomyPage'),
})

const users = createRoute({
  getParentRoute: () => root,
  path: '/users',
  component: lazyRouteComponent(() => import('../features/users/UsersPage'), 'UsersPage'),
})

const models = createRoute({
  getParentRoute: () => root,
  path: '/models',
  component: lazyRouteComponent(() => import('../features/models/ModelsPage'), 'ModelsPage'),
})

const routeTree = root.addChildren([
  home,
  clusters,
  overview,
  problems,
  list,
  detail,
  investigations,
  investigation,
  changes,
  change,
  playbooks,
  run,
  audit,
  policies,
  autonomy,
  users,
  models,
])

export const router = createRouter({
  routeTree,
  defaultPreload: 'intent',
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFoundPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** A page that could not be drawn; a chunk of an older build that is gone is cured by a reload. */
function PageError({ error, reset }: ErrorComponentProps) {
  const chunkGone = /dynamically imported module|module script failed/i.test(String(error))
  return (
    <ErrorNotice
      error={error}
      title={chunkGone ? 'This page belongs to an older version' : 'This page could not be drawn'}
      onRetry={chunkGone ? () => location.reload() : reset}
    />
  )
}

/** Search values come from an address that anyone can type: numbers and other types become text or nothing. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return String(value)
  }
  return typeof value === 'string' && value !== '' ? value : undefined
}
