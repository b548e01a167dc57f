import 'reflect-metadata';
import { bootstrap } from '../../shop/bootstrap.js';
import { guardFromEnvironment } from '../evolution/system-switch.js';
import { queryMsFromEnvironment } from '../live/query-switch.js';

await bootstrap(async () => {
  // Like the settings of the shop: a wrong value ends the process before anything is started.
  guardFromEnvironment();
  queryMsFromEnvironment();
  return (await import('./lab.module.js')).LabModule;
});
