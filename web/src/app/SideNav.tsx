import { useEffect, useRef, useState } from 'react'
import { Link, useLocation, useParams } from '@tanstack/react-router'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { changesQuery } from '../api/changeQueries'
import { overviewQuery } from '../api/queries'
import { useMay, useMaySeeModels } from '../api/roles'
import { useKinds, type Category } from '../kinds/registry'
import { count } from '../kinds/format'
import { Icon, type IconName } from '../ui/Icon'
import { StatusShape } from '../ui/Status'
import { useLayout } from './layout'
import { useShortcut } from './shortcuts'
import styles from './SideNav.module.css'

/** Navigation by category, rendered from the kinds that the server serves. */
export function SideNav({ cluster }: { cluster: string | undefined }) {
  const registry = useKinds()
  const maySeeModels = useMaySeeModels()
  const overview = useQuery({ ...overviewQuery(cluster ?? ''), enabled: cluster !== undefined })
  const problems = overview.data?.problems
  const pending = useInfiniteQuery(changesQuery({ status: 'pending' }))
  const waiting = pending.data?.pages[0]?.items.length ?? 0
  const nav = useRef<HTMLElement>(null)
  const { navOpen, set } = useLayout()
  const { pathname } = useLocation()
  useEffect(() => set({ navOpen: false }), [pathname, set])
  useShortcut('close', () => set({ navOpen: false }), navOpen)
  const { kind } = useParams({ strict: false })
  const ready = registry.kinds.length > 0
  useEffect(() => {
    nav.current?.querySelector('[aria-current=page]')?.scrollIntoView?.({ block: 'nearest' })
  }, [kind, ready])
  return (
    <nav ref={nav} className={styles.nav} aria-label="Main" data-open={navOpen}>
      {cluster && (
        <ul className={styles.top}>
          <li>
            <Link
              to="/c/$cluster"
              params={{ cluster }}
              className={styles.link}
              activeProps={{ className: styles.active }}
              activeOptions={{ exact: true, includeSearch: false }}
            >
              <Icon name="overview" />
              <span className={styles.label}>Overview</span>
            </Link>
          </li>
          <li>
            <Link
              to="/c/$cluster/problems"
              params={{ cluster }}
              className={styles.link}
              activeProps={{ className: styles.active }}
              activeOptions={{ includeSearch: false }}
            >
              <Icon name="problems" />
              <span className={styles.label}>Problems</span>
              {problems && problems.total > 0 && (
                <span className={styles.alarm}>
                  <StatusShape level={problems.critical ? 'crit' : 'warn'} size={11} />
                  {problems.total}
                </span>
              )}
            </Link>
          </li>
          <li>
            <Link
              to="/investigations"
              search={{ cluster }}
              className={styles.link}
              activeProps={{ className: styles.active }}
              activeOptions={{ includeSearch: false }}
            >
              <Icon name="investigate" />
              <span className={styles.label}>Investigations</span>
            </Link>
          </li>
          <li>
            <Link
              to="/changes"
              className={styles.link}
              activeProps={{ className: styles.active }}
              activeOptions={{ includeSearch: false }}
            >
              <Icon name="edit" />
              <span className={styles.label}>Changes</span>
              {waiting > 0 && (
                <span className={styles.alarm} title="Waiting for approval">
                  <StatusShape level="warn" size={11} />
                  {waiting}
                  {pending.hasNextPage && '+'}
                </span>
              )}
            </Link>
          </li>
          <PageLink to="/playbooks" icon="book" label="Playbooks" />
        </ul>
      )}
      <Governance />
      {cluster &&
        registry
          .categories()
          .map((category) => (
            <CategoryGroup
              key={category.name}
              category={category}
              cluster={cluster}
              counts={overview.data?.counts}
            />
          ))}
      <ul className={styles.bottom}>
        <PageLink to="/clusters" icon="clusters" label="Clusters" />
        {maySeeModels && <PageLink to="/models" icon="spark" label="Language models" />}
      </ul>
    </nav>
  )
}

interface PageLinkProps {
  to: '/clusters' | '/playbooks' | '/policies' | '/autonomy' | '/audit' | '/users' | '/models'
  icon?: IconName
  label: string
}

const GOVERNANCE = new Set(['/policies', '/autonomy', '/audit', '/users'])

/** What decides over changes, and the record of them. Open while one of its pages is. */
function Governance() {
  const mayReadAudit = useMay('audit:read')
  const mayManageUsers = useMay('users:write')
  const { pathname } = useLocation()
  const [open, setOpen] = useState<boolean | null>(null)
  const shown = open ?? GOVERNANCE.has(pathname)
  return (
    <section className={styles.group}>
      <GroupHeading name="Governance" icon="shield" shown={shown} onTurn={() => setOpen(!shown)} />
      {shown && (
        <ul>
          <PageLink to="/policies" label="Policies" />
          <PageLink to="/autonomy" label="Autonomy" />
          {mayReadAudit && <PageLink to="/audit" label="Audit" />}
          {mayManageUsers && <PageLink to="/users" label="Users" />}
        </ul>
      )}
    </section>
  )
}

interface GroupHeadingProps {
  name: string
  icon: IconName
  shown: boolean
  onTurn: () => void
}

function GroupHeading({ name, icon, shown, onTurn }: GroupHeadingProps) {
  return (
    <button type="button" className={styles.heading} aria-expanded={shown} onClick={onTurn}>
      <Icon name={icon} />
      <span className={styles.label}>{name}</span>
      <span className={styles.turn} data-open={shown}>
        <Icon name="chevronRight" size={12} />
      </span>
    </button>
  )
}

/** A page that belongs to no cluster; without an icon inside a group. */
function PageLink({ to, icon, label }: PageLinkProps) {
  return (
    <li>
      <Link
        to={to}
        className={icon ? styles.link : `${styles.link} ${styles.kind}`}
        activeProps={{ className: styles.active }}
        activeOptions={{ includeSearch: false }}
      >
        {icon && <Icon name={icon} />}
        <span className={styles.label}>{label}</span>
      </Link>
    </li>
  )
}

const OPEN_AT_START = new Set(['Workloads', 'Batch', 'Network', 'Storage', 'Cluster'])

function CategoryGroup({
  category,
  cluster,
  counts,
}: {
  category: Category
  cluster: string
  counts: Record<string, number> | undefined
}) {
  const { kind: current } = useParams({ strict: false })
  const holdsCurrent = category.kinds.some((kind) => kind.kind === current)
  const [open, setOpen] = useState<boolean | null>(null)
  const shown = open ?? (holdsCurrent || OPEN_AT_START.has(category.name))
  return (
    <section className={styles.group}>
      <GroupHeading name={category.name} icon={category.icon} shown={shown} onTurn={() => setOpen(!shown)} />
      {shown && (
        <ul>
          {category.kinds.map((kind) => {
            const total = counts?.[kind.kind]
            return (
              <li key={kind.kind}>
                <Link
                  to="/c/$cluster/k/$kind"
                  params={{ cluster, kind: kind.kind }}
                  className={`${styles.link} ${styles.kind}`}
                  activeProps={{ className: styles.active }}
                  activeOptions={{ includeSearch: false }}
                  preload={false}
                >
                  <span className={styles.label}>{kind.title}</span>
                  {total !== undefined && <span className={styles.count}>{count(total)}</span>}
                </Link>
              </li>
            )
          })}
        </ul>
      )}
    </section>
  )
}
