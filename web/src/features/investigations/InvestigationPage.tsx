import { useEffect } from 'react'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { Investigation } from '../../api/types'
import { useMayWrite } from '../../api/roles'
import { clockTime } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { Actions } from './Actions'
import { Conclusion } from './Conclusion'
import { FeedbackCard } from './FeedbackCard'
import { FollowUpCard } from './FollowUpCard'
import { Hypotheses } from './Hypotheses'
import { useLiveInvestigation } from './live'
import { ContextCard, ReportCard, SimilarCard } from './SideCards'
import { Steps } from './Steps'
import { RESOLUTION_WORDS, standing, TRIGGER_WORDS } from './words'
import styles from './InvestigationPage.module.css'

const route = getRouteApi('/c/$cluster/investigations/$investigation')

/** One investigation: what was found first, then the hypotheses with their evidence, and every step. */
export function InvestigationPage() {
  const { cluster, investigation: id } = route.useParams()
  const live = useLiveInvestigation(id)
  const { found } = live
  const one = found.data
  useRightCluster(cluster, one)
  return (
    <div className={styles.page}>
      {found.isPending && <SkeletonRows count={12} label="Loading the investigation" />}
      {found.isError && (
        <ErrorNotice
          error={found.error}
          title={one ? 'It could not be read again; below is the last answer' : undefined}
          onRetry={() => void found.refetch()}
        />
      )}
      {live.failure !== null && live.running && (
        <ErrorNotice
          error={live.failure}
          title="The steps can no longer be followed; the investigation itself goes on"
          onRetry={live.followAgain}
        />
      )}
      {one && <Found one={one} running={live.running} polling={live.feed === 'polling'} />}
    </div>
  )
}

/** An address with another cluster than the investigation's is put right, so that evidence is looked for where it is. */
function useRightCluster(cluster: string, one: Investigation | undefined): void {
  const navigate = useNavigate()
  useEffect(() => {
    if (one && one.cluster !== cluster) {
      void navigate({
        to: '/c/$cluster/investigations/$investigation',
        params: { cluster: one.cluster, investigation: one.id },
        replace: true,
      })
    }
  }, [cluster, one, navigate])
}

function Found({ one, running, polling }: { one: Investigation; running: boolean; polling: boolean }) {
  const mayWrite = useMayWrite()
  return (
    <>
      <Header one={one} mayWrite={mayWrite} />
      <div className={styles.columns}>
        <div className={styles.main}>
          {!running && <Conclusion one={one} />}
          <Hypotheses one={one} />
          <Steps one={one} running={running} polling={polling} />
        </div>
        <div className={styles.side}>
          {!running && <SimilarCard one={one} />}
          {mayWrite && one.status === 'concluded' && <FeedbackCard one={one} />}
          {mayWrite && one.status === 'concluded' && one.cause && <FollowUpCard one={one} />}
          {!running && <ReportCard one={one} mayWrite={mayWrite} />}
          <ContextCard one={one} />
        </div>
      </div>
    </>
  )
}

function Header({ one, mayWrite }: { one: Investigation; mayWrite: boolean }) {
  const { level, word } = standing(one)
  return (
    <header className={styles.header}>
      <div className={styles.path}>
        <Link to="/investigations" search={{ cluster: one.cluster }}>
          Investigations
        </Link>
        <span>{one.cluster_name}</span>
        {one.target && <ResourceLink cluster={one.cluster} resource={one.target} />}
        {!one.target && one.namespace && <span>namespace {one.namespace}</span>}
      </div>
      <div className={styles.title}>
        <h1>{one.question}</h1>
        <div className={styles.space} />
        {mayWrite && <Actions one={one} />}
      </div>
      <div className={styles.facts}>
        <span role="status">
          <StatusWord level={level} word={word} />
        </span>
        {one.resolution && one.resolution !== 'resolved' && <span>{RESOLUTION_WORDS[one.resolution]}</span>}
        {one.status === 'archived' && <span>Archived</span>}
        <span>
          Started {TRIGGER_WORDS[one.trigger]} by {one.creator}, {clockTime(one.created_at)}
        </span>
      </div>
    </header>
  )
}
