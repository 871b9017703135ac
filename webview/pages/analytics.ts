import '../styles/base.css';
import { startPage } from '../lib/startPage.js';
import AnalyticsPage from './analytics/AnalyticsPage.svelte';

startPage(AnalyticsPage);
