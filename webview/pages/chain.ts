import '../styles/base.css';
import { startPage } from '../lib/startPage.js';
import ChainPage from './chain/ChainPage.svelte';

startPage(ChainPage);
