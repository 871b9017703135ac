import type { ProfileStrategy, ScorePart } from '../../../src/protocol/strategyNames.js';
import { t } from '../l10n.js';
import type { Preset } from './order.js';
import type { Ability } from './rows.js';

/** What a strategy does, in a sentence. Its name is never translated: settings and requests spell it so. */
export function strategyWords(strategy: ProfileStrategy): string {
  switch (strategy) {
    case 'balanced':
      return t('By reliability, speed, intelligence and what is left');
    case 'priority':
    case 'failover':
      return t('In your own order');
    case 'smartest':
      return t('The most capable first');
    case 'fastest':
      return t('The fastest first, as measured');
    case 'reliable':
      return t('Who failed least first');
    case 'custom':
      return t('By your own weights (strategyWeights)');
    case 'round-robin':
      return t('Each request begins with the next model');
    case 'least-latency':
      return t('By speed alone');
  }
}

export function partWords(part: ScorePart): string {
  switch (part) {
    case 'reliability':
      return t('Reliability');
    case 'speed':
      return t('Speed');
    case 'intelligence':
      return t('Intelligence');
    case 'headroom':
      return t('Headroom');
  }
}

export function abilityWords(ability: Ability): string {
  switch (ability) {
    case 'tools':
      return t('Tools');
    case 'vision':
      return t('Vision');
    case 'reasoning':
      return t('Reasoning');
  }
}

export function presetWords(preset: Preset): string {
  switch (preset) {
    case 'intelligence':
      return t('Most capable');
    case 'speed':
      return t('Fastest');
    case 'reliability':
      return t('Most reliable');
    case 'headroom':
      return t('Most left today');
    case 'context':
      return t('Largest context');
    case 'provider':
      return t('Provider');
    case 'name':
      return t('Name');
    case 'catalog':
      return t("The catalog's order");
  }
}
